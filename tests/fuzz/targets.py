"""Every target by its name. A new one is a file of its own and a line here."""

from __future__ import annotations

from typing import Final

from .calls import CallsTarget
from .parser import ParserTarget
from .session import SessionTarget
from .target import Target

TARGETS: Final[dict[str, type[Target]]] = {
    "parser": ParserTarget,
    "session": SessionTarget,
    "calls": CallsTarget,
}
