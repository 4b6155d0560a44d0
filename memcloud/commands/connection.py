"""How a connection begins and ends: PING, ECHO, HELLO, AUTH, SELECT, RESET, QUIT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memcloud.errors import CommandError, NotAnIntegerError, SyntaxFault, WrongArityError, echoed
from memcloud.resp import Reply
from memcloud.session import ReplyMode
from memcloud.version import REDIS_VERSION

from .client import check_name
from .numbers import parse_int32, parse_integer
from .table import Args, Family

if TYPE_CHECKING:
    from .context import Context

FAMILY = Family("connection")

PROTOCOLS = (2, 3)
# What a client may say before it has given the password.
OPEN = "noscript loading stale fast no_auth allow_busy"


@FAMILY.command(
    "ping",
    -1,
    "fast",
    summary="Answers PONG, or what it was given.",
    syntax="[message]",
    tips="request_policy:all_shards response_policy:all_succeeded",
)
def ping(context: Context, args: Args) -> Reply:
    """PING [message]."""
    if len(args) > 2:
        raise WrongArityError("ping")
    return args[1] if len(args) == 2 else "PONG"


@FAMILY.command(
    "echo", 2, "loading stale fast", summary="Answers what it was given.", syntax="message"
)
def echo(context: Context, args: Args) -> Reply:
    """ECHO message."""
    return args[1]


@FAMILY.command(
    "hello",
    -1,
    OPEN,
    since="6.0.0",
    summary="Chooses the protocol, and tells who the server is.",
    syntax="[protover [AUTH username password] [SETNAME clientname]]",
)
def hello(context: Context, args: Args) -> Reply:
    """HELLO [protover [AUTH username password] [SETNAME clientname]]."""
    session = context.session
    protocol = _protocol(args[1]) if len(args) > 1 else session.protocol
    name = _hello_options(context, args[2:])
    if not session.is_authenticated:
        raise CommandError(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the "
            "HELLO AUTH <user> <pass> option can be used to authenticate the client and select "
            "the RESP protocol version at the same time"
        )
    if name is not None:
        session.name = name
    session.protocol = protocol
    return {
        b"server": b"redis",
        b"version": REDIS_VERSION.encode(),
        b"proto": protocol,
        b"id": session.id,
        b"mode": b"cluster",
        b"role": b"master",
        b"modules": [],
    }


@FAMILY.command(
    "auth",
    -2,
    OPEN,
    complexity="O(1)",
    summary="Gives the password.",
    syntax="[username] password",
)
def auth(context: Context, args: Args) -> Reply:
    """AUTH [username] password."""
    if len(args) > 3:
        raise SyntaxFault
    if len(args) == 2 and not context.node.parameters.requirepass:
        raise CommandError(
            "ERR AUTH <password> called without any password configured for the default user. "
            "Are you sure your configuration is correct?"
        )
    _authenticate(context, args[1] if len(args) == 3 else b"default", args[-1])
    return "OK"


@FAMILY.command(
    "select",
    2,
    "loading stale fast",
    summary="Changes the database that the connection works on.",
    syntax="index",
)
def select(context: Context, args: Args) -> Reply:
    """SELECT index."""
    index = parse_int32(args[1])
    if not 0 <= index < len(context.node.store.databases):
        raise CommandError("ERR DB index is out of range")
    context.session.database = index
    return "OK"


@FAMILY.command("quit", -1, OPEN, summary="Closes the connection.")
def quit_(context: Context, args: Args) -> Reply:
    """QUIT: OK, and then the end."""
    context.session.is_closing = True
    return "OK"


@FAMILY.command(
    "reset", 1, OPEN, since="6.2.0", summary="Makes the connection as it was when it was new."
)
def reset(context: Context, args: Args) -> Reply:
    """RESET: forget database, protocol, name, password and modes."""
    session = context.session
    session.database = 0
    session.protocol = 2
    session.name = b""
    session.is_authenticated = not context.node.parameters.requirepass
    session.no_evict = session.no_touch = False
    session.reply_mode = ReplyMode.ON
    return "RESET"


def _protocol(word: bytes) -> int:
    try:
        protocol = parse_integer(word)
    except NotAnIntegerError:
        raise CommandError("ERR Protocol version is not an integer or out of range") from None
    if protocol not in PROTOCOLS:
        raise CommandError("NOPROTO unsupported protocol version")
    return protocol


def _hello_options(context: Context, words: Args) -> bytes | None:
    """Authenticate if that is asked for; return the name to be set, None if there is none."""
    name: bytes | None = None
    index = 0
    while index < len(words):
        option = words[index].upper()
        left = len(words) - index - 1
        if option == b"AUTH" and left >= 2:
            _authenticate(context, words[index + 1], words[index + 2])
            index += 3
        elif option == b"SETNAME" and left >= 1:
            name = words[index + 1]
            check_name(name, "Client names")
            index += 2
        else:
            raise CommandError(f"ERR Syntax error in HELLO option '{echoed(words[index])}'")
    return name


def _authenticate(context: Context, user: bytes, password: bytes) -> None:
    parameters = context.node.parameters
    is_open = not parameters.requirepass
    if user != b"default" or not (is_open or parameters.is_password(password)):
        raise CommandError("WRONGPASS invalid username-password pair or user is disabled.")
    context.session.is_authenticated = True
