"""RESP2 and RESP3 on bytes: no I/O, no clock, nothing of the rest of MemCloud."""

from .decoder import INCOMPLETE, Decoder, Incomplete, decode
from .encoder import encode, encode_request
from .errors import ProtocolError
from .limits import (
    UNAUTHENTICATED_ARGUMENTS_MAX,
    UNAUTHENTICATED_BULK_BYTES_MAX,
    Limits,
    ReplyLimits,
)
from .parser import ACCELERATED, Parser
from .types import (
    NULL_ARRAY,
    Attribute,
    BigNumber,
    ErrorReply,
    NullArray,
    Push,
    Raw,
    Reply,
    SetReply,
    Verbatim,
)

__all__ = [
    "ACCELERATED",
    "INCOMPLETE",
    "NULL_ARRAY",
    "UNAUTHENTICATED_ARGUMENTS_MAX",
    "UNAUTHENTICATED_BULK_BYTES_MAX",
    "Attribute",
    "BigNumber",
    "Decoder",
    "ErrorReply",
    "Incomplete",
    "Limits",
    "NullArray",
    "Parser",
    "ProtocolError",
    "Push",
    "Raw",
    "Reply",
    "ReplyLimits",
    "SetReply",
    "Verbatim",
    "decode",
    "encode",
    "encode_request",
]
