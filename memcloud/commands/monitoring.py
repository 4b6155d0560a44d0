"""SLOWLOG, LATENCY, MODULE: what monitors ask every Redis for, and what is empty here.

Slow commands are not logged, latencies not tracked and no modules loaded; CONFIG SET refuses to
switch these on, so an empty answer is a true one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memcloud.errors import CommandError, NotAnIntegerError
from memcloud.resp import Reply

from .helping import help_lines
from .numbers import parse_integer
from .table import Args, Family

if TYPE_CHECKING:
    from .context import Context

FAMILY = Family("server")

LATENCY = "admin noscript loading stale"
ALL_NODES = "request_policy:all_nodes response_policy:all_succeeded"
LATENCY_TIPS = "nondeterministic_output request_policy:all_nodes response_policy:special"


@FAMILY.command(
    "slowlog", -2, "", since="2.2.12", summary="A container for commands about slow commands."
)
def slowlog(context: Context, args: Args) -> Reply:
    """SLOWLOG alone does nothing; its subcommands do."""
    raise AssertionError("a container has no handler of its own")


@FAMILY.command(
    "slowlog|get",
    -2,
    "admin loading stale",
    since="2.2.12",
    complexity="O(N) where N is the number of entries returned",
    summary="Lists slow commands: none, they are not logged.",
    syntax="[count]",
    tips="request_policy:all_nodes nondeterministic_output",
)
def slowlog_get(context: Context, args: Args) -> Reply:
    """SLOWLOG GET [count]."""
    if len(args) > 3:
        raise CommandError(
            "ERR unknown subcommand or wrong number of arguments for 'get'. Try SLOWLOG HELP."
        )
    if len(args) == 3 and _count(args[2]) < -1:
        raise CommandError("ERR count should be greater than or equal to -1")
    return []


@FAMILY.command(
    "slowlog|len",
    2,
    "admin loading stale",
    since="2.2.12",
    summary="Counts the slow commands that are remembered: 0.",
    tips="request_policy:all_nodes response_policy:agg_sum nondeterministic_output",
)
def slowlog_len(context: Context, args: Args) -> Reply:
    """SLOWLOG LEN."""
    return 0


@FAMILY.command(
    "slowlog|reset",
    2,
    "admin loading stale",
    since="2.2.12",
    complexity="O(N) where N is the number of entries in the slowlog",
    summary="Forgets the slow commands.",
    tips=ALL_NODES,
)
def slowlog_reset(context: Context, args: Args) -> Reply:
    """SLOWLOG RESET."""
    return "OK"


@FAMILY.command("slowlog|help", 2, "loading stale", since="6.2.0", summary="Tells of SLOWLOG.")
def slowlog_help(context: Context, args: Args) -> Reply:
    """SLOWLOG HELP."""
    return help_lines(
        "SLOWLOG",
        (
            ("GET [<count>]", "Return the latest slow commands: none, they are not logged."),
            ("LEN", "Return how many slow commands are remembered."),
            ("RESET", "Forget the slow commands."),
        ),
    )


@FAMILY.command(
    "latency", -2, "", since="2.8.13", summary="A container for commands about latencies."
)
def latency(context: Context, args: Args) -> Reply:
    """LATENCY alone does nothing; its subcommands do."""
    raise AssertionError("a container has no handler of its own")


@FAMILY.command(
    "latency|latest",
    2,
    LATENCY,
    since="2.8.13",
    summary="Lists the latest delays: none, they are not monitored.",
    tips=LATENCY_TIPS,
)
def latency_latest(context: Context, args: Args) -> Reply:
    """LATENCY LATEST."""
    return []


@FAMILY.command(
    "latency|history",
    3,
    LATENCY,
    since="2.8.13",
    summary="Lists the delays of one kind: none, they are not monitored.",
    syntax="event",
    tips=LATENCY_TIPS,
)
def latency_history(context: Context, args: Args) -> Reply:
    """LATENCY HISTORY event."""
    return []


@FAMILY.command(
    "latency|histogram",
    -2,
    LATENCY,
    since="7.0.0",
    complexity="O(N) where N is the number of commands with latency information being retrieved.",
    summary="Tells how long commands took: nothing, that is not tracked.",
    syntax="[command ...]",
    tips=LATENCY_TIPS,
)
def latency_histogram(context: Context, args: Args) -> Reply:
    """LATENCY HISTOGRAM [command ...]."""
    return {}


@FAMILY.command(
    "latency|reset",
    -2,
    LATENCY,
    since="2.8.13",
    summary="Forgets delays.",
    syntax="[event ...]",
    tips=ALL_NODES,
)
def latency_reset(context: Context, args: Args) -> Reply:
    """LATENCY RESET [event ...]: how many kinds were forgotten."""
    return 0


@FAMILY.command("latency|help", 2, "loading stale", since="2.8.13", summary="Tells of LATENCY.")
def latency_help(context: Context, args: Args) -> Reply:
    """LATENCY HELP."""
    return help_lines(
        "LATENCY",
        (
            ("HISTOGRAM [<command> ...]", "Return how long commands took: it is not tracked."),
            ("HISTORY <event>", "Return the delays of one kind: they are not monitored."),
            ("LATEST", "Return the latest delays: they are not monitored."),
            ("RESET [<event> ...]", "Forget delays; return of how many kinds."),
        ),
    )


@FAMILY.command("module", -2, "", since="4.0.0", summary="A container for commands about modules.")
def module(context: Context, args: Args) -> Reply:
    """MODULE alone does nothing; its subcommands do."""
    raise AssertionError("a container has no handler of its own")


@FAMILY.command(
    "module|list",
    2,
    "admin noscript",
    since="4.0.0",
    complexity="O(N) where N is the number of loaded modules.",
    summary="Lists the modules: there are none.",
    tips="nondeterministic_output_order",
)
def module_list(context: Context, args: Args) -> Reply:
    """MODULE LIST."""
    return []


@FAMILY.command("module|help", 2, "loading stale", since="5.0.0", summary="Tells of MODULE.")
def module_help(context: Context, args: Args) -> Reply:
    """MODULE HELP."""
    return help_lines("MODULE", (("LIST", "Return the loaded modules: there are none."),))


def _count(word: bytes) -> int:
    try:
        return parse_integer(word)
    except NotAnIntegerError:
        return -2  # refused like any other number below -1
