"""CONFIG: the run-time parameters of the node that the client is connected to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memcloud.errors import CommandError, SyntaxFault
from memcloud.resp import Reply

from .glob import Glob
from .helping import help_lines
from .table import Args, Family

if TYPE_CHECKING:
    from .context import Context

FAMILY = Family("server")

ADMIN = "admin noscript loading stale"
WITH_PARAMETERS = "O(N) when N is the number of configuration parameters provided"


@FAMILY.command(
    "config", -2, "", since="2.0.0", summary="A container for commands about parameters."
)
def config(context: Context, args: Args) -> Reply:
    """CONFIG alone does nothing; its subcommands do."""
    raise AssertionError("a container has no handler of its own")


@FAMILY.command(
    "config|get",
    -3,
    ADMIN,
    since="2.0.0",
    complexity=WITH_PARAMETERS,
    summary="Tells the values of parameters.",
    syntax="parameter [parameter ...]",
)
def get(context: Context, args: Args) -> Reply:
    """CONFIG GET pattern ...: a map. A name without wildcards comes back as it was written."""
    parameters = context.node.parameters
    shown: dict[str, str] = {}
    for word in args[2:]:
        pattern = _text(word)
        if any(wildcard in pattern for wildcard in "[*?"):
            glob = Glob(word, ignore_case=True)
            names = {name: name for name in parameters if glob.matches(name.encode())}
        else:
            names = {pattern.lower(): pattern} if pattern.lower() in parameters else {}
        for name, written in names.items():
            shown.setdefault(name, written)
    return {_bytes(written): _bytes(parameters.shown(name)) for name, written in shown.items()}


@FAMILY.command(
    "config|set",
    -4,
    ADMIN,
    since="2.0.0",
    complexity=WITH_PARAMETERS,
    summary="Changes parameters, all of them or none.",
    syntax="parameter value [parameter value ...]",
    tips="request_policy:all_nodes response_policy:all_succeeded",
)
def set_(context: Context, args: Args) -> Reply:
    """CONFIG SET name value ...."""
    if len(args) % 2:
        raise SyntaxFault
    node = context.node
    words = [_text(word) for word in args[2:]]
    node.parameters.change(list(zip(words[::2], words[1::2], strict=True)))
    if not node.parameters.requirepass:
        # Who was asked for a password that is no more needs none.
        for session in node.sessions.values():
            session.is_authenticated = True
            session.parser.limits = node.parameters.parser_limits(True)
    return "OK"


@FAMILY.command(
    "config|resetstat",
    2,
    ADMIN,
    since="2.0.0",
    summary="Lets the counters of INFO start again from 0.",
)
def resetstat(context: Context, args: Args) -> Reply:
    """CONFIG RESETSTAT."""
    context.node.stats.reset()
    context.node.store.reset_statistics()
    return "OK"


@FAMILY.command(
    "config|rewrite", 2, ADMIN, since="2.8.0", summary="Would write the parameters to a file."
)
def rewrite(context: Context, args: Args) -> Reply:
    """CONFIG REWRITE: the node never writes its own settings."""
    if context.node.settings.config_file is None:
        raise CommandError("ERR The server is running without a config file")
    raise CommandError("ERR Rewriting config file: MemCloud does not write its config file")


@FAMILY.command("config|help", 2, "loading stale", since="5.0.0", summary="Tells of CONFIG.")
def help_(context: Context, args: Args) -> Reply:
    """CONFIG HELP."""
    return help_lines(
        "CONFIG",
        (
            ("GET <pattern> [<pattern> ...]", "Return the parameters that match, with values."),
            ("RESETSTAT", "Let the counters of INFO start again from 0."),
            ("REWRITE", "Refused: the node does not write its own settings."),
            ("SET <parameter> <value> [<parameter> <value> ...]", "Change parameters."),
        ),
    )


def _text(word: bytes) -> str:
    return word.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
