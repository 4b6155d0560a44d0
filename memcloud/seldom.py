"""Log lines that a stranger can cause as often as it likes, and that are written once a minute."""

from __future__ import annotations

from typing import Final

SELDOM: Final = {"is_seldom": True}
"""Give it as ``extra``: of lines with one text (before its ``%`` are filled in) the first is
written, and one a minute after that, which says how many there were between."""
