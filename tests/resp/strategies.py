"""Streams of requests as hypothesis draws them."""

from __future__ import annotations

from hypothesis import strategies as st

from memcloud.resp.limits import ARGUMENTS_MAX

from .support import command

arguments = st.lists(
    st.one_of(st.binary(max_size=12), st.binary(min_size=1020, max_size=1030)),
    min_size=1,
    max_size=12,
)

# Redis 7.0 waits for more arguments than we do: 2**31 - 1 of them.
numbers = st.one_of(st.integers(-(2**64), ARGUMENTS_MAX), st.integers(2**31, 2**64))

# Pieces of which a hostile stream is made: nearly right, so that every branch is reached.
fragments = st.one_of(
    arguments.map(lambda each: command(*each)),
    st.sampled_from([b"\r\n", b"\r", b"\n", b"\0", b"*", b"$", b"-", b"+", b"'", b'"', b"\\"]),
    st.sampled_from([b"PING\r\n", b"*1\r\n", b"*2\r\n", b"*0\r\n", b"$0\r\n", b"$4\r\n", b" "]),
    st.sampled_from([b"\\x41", b"\v", b"\f", b"\t", b"$-1\r\n", b"*11\r\n", b"$17\r\n"]),
    numbers.map(lambda number: b"*%d\r\n" % number),
    numbers.map(lambda number: b"$%d\r\n" % number),
    st.binary(max_size=8),
)
streams = st.lists(fragments, max_size=12).map(b"".join)
