"""Log lines: for people on a terminal, one JSON object each with ``--log-json``."""

from __future__ import annotations

import json
import logging
import sys


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


def set_up(level: str, *, as_json: bool) -> None:
    """Send the log of the process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    if as_json:
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(
            logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%d %H:%M:%S")
        )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Its warnings are about packets of others, which the owner of a node can do nothing about.
    logging.getLogger("zeroconf").setLevel(logging.ERROR)
