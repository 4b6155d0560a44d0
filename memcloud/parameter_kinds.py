"""What values a run-time parameter can take: from a client's words to a value and back.

``parse`` raises `ValueError` with the reason in Redis' words; ``show`` gives what CONFIG GET says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

Value = int | str

INT_MAX: Final = 2**31 - 1
LONG_MAX: Final = 2**63 - 1
UNSIGNED_LONG_MAX: Final = 2**64 - 1

# As in redis.conf: k is 1000 bytes and kb is 1024.
_UNITS: Final[Mapping[str, int]] = {
    "": 1,
    "b": 1,
    "k": 1000,
    "kb": 1 << 10,
    "m": 1000**2,
    "mb": 1 << 20,
    "g": 1000**3,
    "gb": 1 << 30,
}
_MEMORY = re.compile(r"([0-9]*)([a-z]*)", re.IGNORECASE | re.ASCII)
# Nineteen digits are all that 64 bits need, and Python refuses to convert thousands.
_INTEGER = re.compile(r"-?[0-9]{1,19}", re.ASCII)


class Kind(Protocol):
    """A set of values and how they are written."""

    def parse(self, words: str) -> Value:
        """Return the value; raise `ValueError` with the reason if it is none of this kind."""
        ...

    def show(self, value: Value) -> str:
        """Return how CONFIG GET writes it."""
        ...


class Shown:
    """Kinds that are written as Python writes them."""

    def show(self, value: Value) -> str:
        """See `Kind.show`."""
        return str(value)


@dataclass(frozen=True, slots=True)
class Integer(Shown):
    """A whole number within bounds."""

    low: int = 0
    high: int = INT_MAX

    def parse(self, words: str) -> int:
        """See `Kind.parse`."""
        if not _INTEGER.fullmatch(words) or not -(2**63) <= int(words) <= LONG_MAX:
            raise ValueError("argument couldn't be parsed into an integer")
        return _bounded(int(words), self.low, self.high)


@dataclass(frozen=True, slots=True)
class Memory(Shown):
    """A number of bytes, written with or without a unit: ``100mb``."""

    low: int = 0
    high: int = UNSIGNED_LONG_MAX

    def parse(self, words: str) -> int:
        """See `Kind.parse`. No digits at all are 0, as in Redis."""
        size_bytes = parse_memory(words)
        if size_bytes is None:
            raise ValueError("argument must be a memory value")
        return _bounded(size_bytes, self.low, self.high)


@dataclass(frozen=True, slots=True)
class Choice(Shown):
    """One of some words, written in any case."""

    names: Sequence[str]

    def parse(self, words: str) -> str:
        """See `Kind.parse`."""
        if words.lower() not in self.names:
            raise ValueError(f"argument(s) must be one of the following: {', '.join(self.names)}")
        return words.lower()


class Switch(Shown):
    """``yes`` or ``no``."""

    def parse(self, words: str) -> str:
        """See `Kind.parse`."""
        if words.lower() not in ("yes", "no"):
            raise ValueError("argument must be 'yes' or 'no'")
        return words.lower()


class Text(Shown):
    """Any words."""

    def parse(self, words: str) -> str:
        """See `Kind.parse`."""
        return words


@dataclass(frozen=True, slots=True)
class Only(Shown):
    """A kind of which one value alone can be had: the others would promise what is not done."""

    kind: Kind
    value: Value
    reason: str

    def parse(self, words: str) -> Value:
        """See `Kind.parse`."""
        if self.kind.parse(words) != self.value:
            raise ValueError(self.reason)
        return self.value


class OutputLimits:
    """``client-output-buffer-limit``: class, hard bytes, soft bytes, soft seconds; repeated.

    Setting names the classes to change, so a value is merged into the one before by `merge`.
    """

    CLASSES: Final = ("normal", "slave", "pubsub")

    def parse(self, words: str) -> str:
        """See `Kind.parse`: return the same in bytes and seconds, one class after the other."""
        parts = words.split()
        if not parts or len(parts) % 4:
            raise ValueError("Wrong number of arguments in buffer limit configuration.")
        groups = [self._parse_class(parts[i : i + 4]) for i in range(0, len(parts), 4)]
        return " ".join(groups)

    def show(self, value: Value) -> str:
        """See `Kind.show`."""
        return str(value)

    def merge(self, old: str, new: str) -> str:
        """Return ``old`` with the classes that ``new`` names replaced."""
        limits = {**self.by_class(old), **self.by_class(new)}
        return " ".join(
            f"{name} {hard} {soft} {seconds}" for name, (hard, soft, seconds) in limits.items()
        )

    @staticmethod
    def by_class(value: str) -> dict[str, tuple[int, int, int]]:
        """Return hard bytes, soft bytes and soft seconds of each class."""
        parts = value.split()
        return {
            parts[i]: (int(parts[i + 1]), int(parts[i + 2]), int(parts[i + 3]))
            for i in range(0, len(parts), 4)
        }

    def _parse_class(self, words: Sequence[str]) -> str:
        name = "slave" if words[0].lower() == "replica" else words[0].lower()
        if name not in self.CLASSES:
            raise ValueError("Invalid client class specified in buffer limit configuration.")
        hard, soft = parse_memory(words[1]), parse_memory(words[2])
        if hard is None or soft is None or not words[3].isdecimal():
            raise ValueError(
                "Error in hard, soft or soft_seconds setting in buffer limit configuration."
            )
        return f"{name} {hard} {soft} {int(words[3])}"


def parse_memory(words: str) -> int | None:
    """Return a size in bytes, None if it is not written as one."""
    match = _MEMORY.fullmatch(words)
    if (
        match is None
        or match[2].lower() not in _UNITS
        or len(match[1]) > len("18446744073709551615")
    ):
        return None
    size_bytes = int(match[1] or 0) * _UNITS[match[2].lower()]
    return size_bytes if size_bytes <= UNSIGNED_LONG_MAX else None


def _bounded(value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise ValueError(f"argument must be between {low} and {high} inclusive")
    return value
