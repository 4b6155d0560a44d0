"""From the argument line of a command to the tree that COMMAND DOCS gives, for hints in redis-cli.

The notation is that of Redis' manual:

    sequence := item*
    item     := word | '<' choice '>' | '[' choice ']' | item '...'
    choice   := sequence ('|' sequence)*

A word in capitals is a token, to be typed as it is; others name a value. A token belongs to the
value or the ``<choice>`` after it (``EX seconds``). One that begins a bracket belongs to all values
in there (``[LIMIT offset count]``). Brackets are optional, and ``x [x ...]`` is one x or more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

_PIECE = re.compile(r"\.\.\.|[\[\]<>|]|[^\s\[\]<>|]+")
_TOKEN = re.compile(r"[A-Z][A-Z0-9_-]*")
_ELLIPSIS: Final = "..."

_INTEGERS: Final = frozenset(
    (
        *("client-id", "count", "cursor", "db", "decrement", "destination-db", "end", "increment"),
        *("index", "index1", "index2", "min-match-len", "milliseconds", "offset", "port"),
        *("protover", "seconds", "slot", "start", "start-slot", "end-slot", "timeout"),
    )
)


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument, or several that belong together.

    ``kind`` is one of Redis' types: string, integer, double, key, pattern, unix-time, pure-token,
    and with ``arguments`` below it oneof and block.
    """

    name: str
    kind: str
    token: str = ""
    is_optional: bool = False
    is_multiple: bool = False
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True)
class _Group:
    """What stands in brackets."""

    is_optional: bool
    choices: tuple[_Sequence, ...]


_Item = str | _Group
_Sequence = tuple[_Item, ...]


def parse_syntax(line: str) -> tuple[Argument, ...]:
    """Return the arguments that ``line`` describes.

    An `AssertionError` says that the brackets of the line do not match.
    """
    pieces = _PIECE.findall(line)[::-1]
    choices = _read_choices(pieces, "")
    assert len(choices) == 1, f"a choice needs brackets: {line}"
    return tuple(_arguments(choices[0]))


def leaves(arguments: Sequence[Argument]) -> Iterator[Argument]:
    """Iterate over the arguments that have none below them."""
    for argument in arguments:
        if argument.arguments:
            yield from leaves(argument.arguments)
        else:
            yield argument


def _read_choices(pieces: list[str], closing: str) -> tuple[_Sequence, ...]:
    """Take pieces, the next one last, up to ``closing``; an empty one is the end of the line."""
    choices: list[list[_Item]] = [[]]
    while pieces:
        piece = pieces.pop()
        if piece == closing:
            break
        if piece == "|":
            choices.append([])
        elif piece in "[<":
            group = _read_choices(pieces, "]" if piece == "[" else ">")
            choices[-1].append(_Group(piece == "[", group))
        else:
            assert piece not in ("]", ">"), "brackets do not match"
            choices[-1].append(piece)
    else:
        assert not closing, "a bracket is not closed"
    return tuple(tuple(choice) for choice in choices)


def _arguments(items: _Sequence) -> list[Argument]:
    found: list[Argument] = []
    index = 0
    while index < len(items):
        item = items[index]
        count = _repeated(items, index)
        if item == _ELLIPSIS:
            found[-1] = replace(found[-1], is_multiple=True)
        elif count:
            found[-count:] = [replace(_joined(found[-count:]), is_multiple=True)]
        elif isinstance(item, _Group):
            found.append(_group(item))
        elif not _is_token(item):
            found.append(Argument(item, _kind(item)))
        elif index + 1 < len(items) and _is_operand(items[index + 1]):
            index += 1
            (operand,) = _arguments(items[index : index + 1])
            found.append(replace(operand, token=item))
        else:
            found.append(Argument(item.lower(), "pure-token", item))
        index += 1
    return found


def _group(group: _Group) -> Argument:
    choices = [_choice(items) for items in group.choices]
    if len(choices) == 1:
        return replace(choices[0], is_optional=group.is_optional)
    name = "_".join(choice.name for choice in choices)
    return Argument(name, "oneof", is_optional=group.is_optional, arguments=tuple(choices))


def _choice(items: _Sequence) -> Argument:
    first, rest = items[0], items[1:]
    values = [item for item in rest if item != _ELLIPSIS]
    is_token_of_all = (
        isinstance(first, str)
        and _is_token(first)
        and len(values) > 1
        and all(_is_value(item) or _repeated(rest, i) for i, item in enumerate(rest))
    )
    if not is_token_of_all:
        return _joined(_arguments(items))
    assert isinstance(first, str)
    arguments = tuple(_arguments(rest))
    return Argument(first.lower(), "block", first, arguments=arguments)


def _joined(arguments: Sequence[Argument]) -> Argument:
    if len(arguments) == 1:
        return arguments[0]
    name = "_".join(argument.name for argument in arguments)
    return Argument(name, "block", arguments=tuple(arguments))


def _repeated(items: _Sequence, index: int) -> int:
    """Return how many items before ``index`` the bracket there repeats; 0: it repeats none."""
    group = items[index]
    if not isinstance(group, _Group) or len(group.choices) != 1:
        return 0
    *repeated, last = group.choices[0]
    count = len(repeated)
    is_repetition = last == _ELLIPSIS and 0 < count <= index
    return count if is_repetition and tuple(repeated) == items[index - count : index] else 0


def _is_token(item: _Item) -> bool:
    return isinstance(item, str) and _TOKEN.fullmatch(item) is not None


def _is_value(item: _Item) -> bool:
    return isinstance(item, str) and item != _ELLIPSIS and not _is_token(item)


def _is_operand(item: _Item) -> bool:
    return _is_value(item) or (isinstance(item, _Group) and not item.is_optional)


def _kind(name: str) -> str:
    if name in _INTEGERS:
        return "integer"
    if name.startswith("unix-time"):
        return "unix-time"
    return "pattern" if name == "pattern" else "string"
