"""The one door to the parser: whoever needs one takes it from here.

The native parser is taken where it has been built, unless ``MEMCLOUD_PURE`` is set to anything
but nothing. One that is there but broken raises: to go on slowly in silence would help nobody.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Final

from . import _parser_py

if TYPE_CHECKING:
    from ._parser_py import Parser
else:
    Parser = _parser_py.Parser
    if not os.environ.get("MEMCLOUD_PURE"):
        try:
            Parser = importlib.import_module("._parser_c", __package__).Parser
        except ModuleNotFoundError as error:
            # Not there. Something that it needs itself and does not find is another matter.
            if error.name != f"{__package__}._parser_c":
                raise

ACCELERATED: Final[bool] = Parser is not _parser_py.Parser
"""Whether the native parser is in use."""

__all__ = ["ACCELERATED", "Parser"]
