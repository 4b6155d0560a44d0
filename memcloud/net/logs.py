"""Log lines: for people on a terminal, one JSON object each with ``--log-json``."""

from __future__ import annotations

import json
import logging
import sys

SELDOM_S = 60.0


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return time (Unix seconds), level, logger, message and, if there is one, traceback."""
        fields = {
            "time": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields)


class SeldomFilter(logging.Filter):
    """Lets lines that are marked `SELDOM` through once a minute, by their text."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}  # when a line of that text was written
        self._kept_back: dict[str, int] = {}  # how many were not, since then

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to write the line; it is told how many were not."""
        if not hasattr(record, "is_seldom"):
            return True
        text = str(record.msg)
        last = self._last.get(text)
        if last is not None and 0 <= record.created - last < SELDOM_S:
            self._kept_back[text] = self._kept_back.get(text, 0) + 1
            return False
        self._last[text] = record.created
        more = self._kept_back.pop(text, 0)
        if more:
            record.msg = f"{text} (and {more} more like it)"
        return True


def set_up(level: str, *, as_json: bool) -> None:
    """Send the log of the process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    if as_json:
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(
            logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%d %H:%M:%S")
        )
    handler.addFilter(SeldomFilter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Its warnings are about packets of others, which the owner of a node can do nothing about.
    logging.getLogger("zeroconf").setLevel(logging.ERROR)
