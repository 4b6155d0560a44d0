"""Errors of the protocol."""

from __future__ import annotations


class ProtocolError(Exception):
    """The other side broke RESP; the connection cannot be used any further.

    ``str(error)`` is the text after ``-ERR `` that Redis answers before it closes, for example
    ``Protocol error: invalid multibulk length``.
    """
