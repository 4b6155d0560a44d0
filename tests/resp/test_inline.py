"""The words of an inline command."""

from __future__ import annotations

from contextlib import suppress

import pytest

from memcloud.resp import ProtocolError
from memcloud.resp.inline import split_inline


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"", []),
        (b" \t\r\v\f ", []),
        (b"a b", [b"a", b"b"]),
        (b"  a\tb \r c ", [b"a", b"b", b"c"]),
        (b"a\vb \v\fc", [b"a\vb", b"c"]),
        (b'""', [b""]),
        (b"''", [b""]),
        (b"'' \"\"", [b"", b""]),
        (b'a"b c"', [b"ab c"]),
        (b"a'b c'", [b"ab c"]),
        (b'"a"\v"b"\f', [b"a", b"b"]),
        (rb'"\n\r\t\b\a"', [b"\n\r\t\b\a"]),
        (rb'"\x00\xfF\x4g"', [b"\x00\xffx4g"]),
        (rb'"\q\"\\"', [b'q"\\']),
        (rb'"\\x41"', [rb"\x41"]),
        (rb"'\n\x41\\'", None),
        (rb"'\n\x41\\ '", [rb"\n\x41\\ "]),
        (rb"'it\'s'", [b"it's"]),
        (rb"a\n", [rb"a\n"]),
        (rb"'\'", None),
        (b"'", None),
        (b'"', None),
        (b'"a', None),
        (b'"a\\', None),
        (b'"a\\"', None),
        (b'"a""b"', None),
        (b'"a"b', None),
        (b"'a'b", None),
        (b"'a'\"b\"", None),
        (b"\"'\" '\"'", [b"'", b'"']),
    ],
)
def test_words_are_those_of_redis(line: bytes, words: list[bytes] | None) -> None:
    """People paste lines from its documentation; None stands for unbalanced quotes."""
    if words is None:
        with pytest.raises(ProtocolError, match="Protocol error: unbalanced quotes in request"):
            split_inline(line)
    else:
        assert words == split_inline(line)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("part", [b"\\'", b'\\"', b"\\", b"'", b'"', b"a\v", b"''", b' "'])
@pytest.mark.parametrize("start", [b"", b"'", b'"'])
def test_no_line_takes_long(start: bytes, part: bytes) -> None:
    """A pattern that goes back and forth would need years for 64 KiB."""
    with suppress(ProtocolError):
        split_inline(start + part * 30000)
