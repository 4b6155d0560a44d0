"""CLIENT: what the node knows of its clients, and what a client says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from memcloud.errors import CommandError, NotAnIntegerError, SyntaxFault, echoed
from memcloud.resp import Reply, Verbatim
from memcloud.session import ReplyMode

from .client_filters import Filter, checked_type, kill_filters, listed_id
from .client_line import describe
from .helping import help_lines
from .numbers import parse_integer
from .table import Args, Family

if TYPE_CHECKING:
    from .context import Context

FAMILY = Family("connection")

ABOUT_ITSELF = "noscript loading stale"
ABOUT_OTHERS = "admin noscript loading stale"


@FAMILY.command(
    "client", -2, "", since="2.4.0", summary="A container for commands about connections."
)
def client(context: Context, args: Args) -> Reply:
    """CLIENT alone does nothing; its subcommands do."""
    raise AssertionError("a container has no handler of its own")


@FAMILY.command(
    "client|id", 2, ABOUT_ITSELF, since="5.0.0", summary="Tells the number of the connection."
)
def id_(context: Context, args: Args) -> Reply:
    """CLIENT ID: never used twice by a node."""
    return context.session.id


@FAMILY.command(
    "client|info",
    2,
    ABOUT_ITSELF,
    since="6.2.0",
    summary="Tells what the node knows of this connection.",
    tips="nondeterministic_output",
)
def info(context: Context, args: Args) -> Reply:
    """CLIENT INFO: the line of CLIENT LIST."""
    return Verbatim("txt", describe(context.session, context.now_ms))


@FAMILY.command(
    "client|list",
    -2,
    ABOUT_OTHERS,
    since="2.4.0",
    complexity="O(N) where N is the number of client connections",
    summary="Lists the connections of this node.",
    syntax="[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]",
    tips="nondeterministic_output",
)
def list_(context: Context, args: Args) -> Reply:
    """CLIENT LIST [TYPE type | ID id ...]: one line for each."""
    sessions = context.node.sessions
    option = args[2].upper() if len(args) > 3 else b""
    if len(args) == 2:
        chosen = list(sessions.values())
    elif option == b"TYPE" and len(args) == 4:
        chosen = list(sessions.values()) if checked_type(args[3]) == b"normal" else []
    elif option == b"ID":
        found = (sessions.get(listed_id(word)) for word in args[3:])
        chosen = [session for session in found if session is not None]
    else:
        raise SyntaxFault
    return Verbatim("txt", b"".join(describe(session, context.now_ms) for session in chosen))


@FAMILY.command(
    "client|getname",
    2,
    ABOUT_ITSELF,
    since="2.6.9",
    summary="Tells the name that the connection has given itself.",
)
def getname(context: Context, args: Args) -> Reply:
    """CLIENT GETNAME: nil if it has none."""
    return context.session.name or None


@FAMILY.command(
    "client|setname",
    3,
    ABOUT_ITSELF,
    since="2.6.9",
    summary="Names the connection, for CLIENT LIST.",
    syntax="connection-name",
)
def setname(context: Context, args: Args) -> Reply:
    """CLIENT SETNAME name; an empty one takes it away."""
    check_name(args[2], "Client names")
    context.session.name = args[2]
    return "OK"


@FAMILY.command(
    "client|setinfo",
    4,
    ABOUT_ITSELF,
    since="7.2.0",
    summary="Tells the node which library the client is.",
    syntax="<LIB-NAME libname | LIB-VER libver>",
)
def setinfo(context: Context, args: Args) -> Reply:
    """CLIENT SETINFO LIB-NAME name | LIB-VER version."""
    attribute = args[2].lower()
    shown = echoed(args[2])
    if attribute not in (b"lib-name", b"lib-ver"):
        raise CommandError(f"ERR Unrecognized option '{shown}'")
    check_name(args[3], shown)
    if attribute == b"lib-name":
        context.session.library_name = args[3]
    else:
        context.session.library_version = args[3]
    return "OK"


@FAMILY.command(
    "client|kill",
    -3,
    ABOUT_OTHERS,
    since="2.4.0",
    complexity="O(N) where N is the number of client connections",
    summary="Closes connections.",
    syntax="<ip:port | [ID client-id] [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] "
    "[USER username] [ADDR ip:port] [LADDR ip:port] [SKIPME <YES | NO>]>",
)
def kill(context: Context, args: Args) -> Reply:
    """CLIENT KILL address: OK or an error. CLIENT KILL filter value ...: how many were closed."""
    if len(args) == 3:
        address = args[2].decode("utf-8", "surrogateescape")
        if not _kill(context, [lambda session: session.address == address], skip_me=False):
            raise CommandError("ERR No such client")
        return "OK"
    filters, skip_me = kill_filters(args[2:])
    return _kill(context, filters, skip_me=skip_me)


@FAMILY.command(
    "client|no-evict",
    3,
    ABOUT_OTHERS,
    since="7.0.0",
    summary="Spares the connection when the memory of clients is short.",
    syntax="<ON | OFF>",
)
def no_evict(context: Context, args: Args) -> Reply:
    """CLIENT NO-EVICT ON | OFF."""
    context.session.no_evict = _switch(args[2])
    return "OK"


@FAMILY.command(
    "client|no-touch",
    3,
    ABOUT_ITSELF,
    since="7.2.0",
    summary="Lets the connection read without renewing the time of access.",
    syntax="<ON | OFF>",
)
def no_touch(context: Context, args: Args) -> Reply:
    """CLIENT NO-TOUCH ON | OFF."""
    context.session.no_touch = _switch(args[2])
    return "OK"


@FAMILY.command(
    "client|reply",
    3,
    ABOUT_ITSELF,
    since="3.2.0",
    summary="Says whether replies are to be sent.",
    syntax="<ON | OFF | SKIP>",
)
def reply(context: Context, args: Args) -> Reply:
    """CLIENT REPLY ON | OFF | SKIP; only ON is itself answered."""
    session = context.session
    mode = args[2].upper()
    if mode == b"ON":
        session.reply_mode = ReplyMode.ON
    elif mode == b"OFF":
        session.reply_mode = ReplyMode.OFF
    elif mode == b"SKIP":
        session.skip_next = True
    else:
        raise SyntaxFault
    return "OK"


@FAMILY.command(
    "client|pause",
    -3,
    ABOUT_OTHERS,
    since="2.9.50",
    summary="Lets all clients of this node wait for a while.",
    syntax="timeout [WRITE | ALL]",
)
def pause(context: Context, args: Args) -> Reply:
    """CLIENT PAUSE timeout-ms [WRITE | ALL]."""
    mode = args[3].upper() if len(args) == 4 else b"ALL"
    if len(args) > 4 or mode not in (b"WRITE", b"ALL"):
        raise CommandError("ERR CLIENT PAUSE mode must be WRITE or ALL")
    try:
        timeout_ms = parse_integer(args[2])
    except NotAnIntegerError:
        raise CommandError("ERR timeout is not an integer or out of range") from None
    if timeout_ms < 0:
        raise CommandError("ERR timeout is negative")
    context.node.pause_clients(context.now_ms + timeout_ms, mode == b"WRITE")
    return "OK"


@FAMILY.command(
    "client|unpause",
    2,
    ABOUT_OTHERS,
    since="6.2.0",
    complexity="O(N) Where N is the number of paused clients",
    summary="Ends CLIENT PAUSE.",
)
def unpause(context: Context, args: Args) -> Reply:
    """CLIENT UNPAUSE."""
    context.node.unpause_clients()
    return "OK"


@FAMILY.command("client|help", 2, "loading stale", since="5.0.0", summary="Tells of CLIENT.")
def help_(context: Context, args: Args) -> Reply:
    """CLIENT HELP."""
    return help_lines(
        "CLIENT",
        (
            ("GETNAME", "Return the name of this connection."),
            ("ID", "Return the number of this connection."),
            ("INFO", "Return what the node knows of this connection."),
            ("KILL <ip:port>", "Close the connection from that address."),
            (
                "KILL [ID <id>] [ADDR|LADDR <ip:port>] [TYPE <type>] [USER <name>] [SKIPME YES|NO]",
                "Close the connections that all filters choose; return how many.",
            ),
            ("LIST [TYPE <type> | ID <id> [<id> ...]]", "Return a line for each connection."),
            ("NO-EVICT (ON|OFF)", "Spare this connection when the memory of clients is short."),
            ("NO-TOUCH (ON|OFF)", "Read without renewing the time of access."),
            ("PAUSE <timeout> [WRITE|ALL]", "Let clients wait for that many milliseconds."),
            ("REPLY (ON|OFF|SKIP)", "Say whether replies are to be sent."),
            ("SETINFO (LIB-NAME <name> | LIB-VER <version>)", "Say which library this is."),
            ("SETNAME <name>", "Name this connection."),
            ("UNPAUSE", "End a pause."),
        ),
    )


def check_name(name: bytes, what: str) -> None:
    """Raise `CommandError` if a name has anything but visible ASCII, which lists could not show."""
    if any(not 0x21 <= byte <= 0x7E for byte in name):
        raise CommandError(f"ERR {what} cannot contain spaces, newlines or special characters.")


def _kill(context: Context, filters: Sequence[Filter], *, skip_me: bool) -> int:
    me = context.session
    chosen = [
        session
        for session in list(context.node.sessions.values())
        if all(matches(session) for matches in filters) and not (skip_me and session is me)
    ]
    for session in chosen:
        if session is me:
            session.is_closing = True  # after this reply
        else:
            context.node.close_session(session)
    return len(chosen)


def _switch(word: bytes) -> bool:
    if word.upper() not in (b"ON", b"OFF"):
        raise SyntaxFault
    return word.upper() == b"ON"
