"""When keys end: setting, asking and removing deadlines.

Clients speak of seconds or milliseconds, from now or since 1970. The store keeps milliseconds of
the node's clock; the two differ by a constant, so EXPIRETIME returns just what EXPIREAT was given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memcloud.errors import CommandError, echoed
from memcloud.resp import Reply

from .numbers import INT64_MAX, INT64_MIN, parse_integer
from .table import Args, Family, Handler

if TYPE_CHECKING:
    from .context import Context

FAMILY = Family("generic")
CONDITIONS = "[NX | XX | GT | LT]"
NO_KEY = -2
NO_DEADLINE = -1
FAR_MS = 1 << 60  # any time to live below fits into 64 bits, whatever the date


def deadline_ms_from(context: Context, text: bytes, *, unit_ms: int, is_absolute: bool) -> int:
    """Return the deadline that a client gives, in milliseconds of the node's clock.

    Raises:
        NotAnIntegerError: it is no number.
        InvalidExpireTimeError: it cannot be expressed in 64 bits as milliseconds since 1970.
    """
    amount_ms = parse_integer(text) * unit_ms
    if not is_absolute and -FAR_MS < amount_ms < FAR_MS:
        return context.now_ms + amount_ms
    offset_ms = context.node.clock.unix_offset_ms()
    base_ms = 0 if is_absolute else context.now_ms + offset_ms
    if not INT64_MIN <= amount_ms <= INT64_MAX - base_ms:
        raise InvalidExpireTimeError(context)
    return base_ms + amount_ms - offset_ms


class InvalidExpireTimeError(CommandError):
    """The client gave a time to live or a deadline that cannot be."""

    def __init__(self, context: Context) -> None:
        name = context.session.traffic.last_command
        super().__init__(f"ERR invalid expire time in '{name}' command")


class Conditions:
    """NX, XX, GT and LT: when a deadline may be set."""

    def __init__(self, words: Args) -> None:
        """Read the options of EXPIRE and its kin.

        Raises:
            CommandError: there is no such option, or two exclude each other.
        """
        given = set()
        for word in words:
            option = word.upper()
            if option not in (b"NX", b"XX", b"GT", b"LT"):
                raise CommandError(f"ERR Unsupported option {echoed(word)}")
            given.add(option)
        self._given = given
        if b"NX" in given and len(given) > 1:
            raise CommandError(
                "ERR NX and XX, GT or LT options at the same time are not compatible"
            )
        if {b"GT", b"LT"} <= given:
            raise CommandError("ERR GT and LT options at the same time are not compatible")

    def allow(self, current_ms: int | None, wanted_ms: int) -> bool:
        """Return whether the deadline may be set; no deadline counts as infinitely late."""
        given = self._given
        if current_ms is None:
            return not given & {b"XX", b"GT"}
        if b"NX" in given:
            return False
        if b"GT" in given:
            return wanted_ms > current_ms
        return wanted_ms < current_ms if b"LT" in given else True


def _expire(*, unit_ms: int, is_absolute: bool) -> Handler:
    def handler(context: Context, args: Args) -> Reply:
        conditions = Conditions(args[3:])
        deadline_ms = deadline_ms_from(context, args[2], unit_ms=unit_ms, is_absolute=is_absolute)
        key, keys = args[1], context.keys
        if key not in keys or not conditions.allow(keys.deadline_ms(key), deadline_ms):
            return 0
        if deadline_ms <= context.node.clock.now_ms():
            keys.delete(key)
        else:
            keys.set_deadline(key, deadline_ms)
        return 1

    return handler


def _remaining(*, unit_ms: int, is_absolute: bool) -> Handler:
    def handler(context: Context, args: Args) -> Reply:
        keys = context.keys
        if args[1] not in keys:
            return NO_KEY
        deadline_ms = keys.deadline_ms(args[1])
        if deadline_ms is None:
            return NO_DEADLINE
        clock = context.node.clock
        since_ms = -clock.unix_offset_ms() if is_absolute else clock.now_ms()
        shown_ms = max(0, deadline_ms - since_ms)
        # Seconds are rounded, not cut, as in Redis.
        return shown_ms if unit_ms == 1 else (shown_ms + unit_ms // 2) // unit_ms

    return handler


for name, unit_ms, is_absolute, since, summary, unit in (
    ("expire", 1000, False, "1.0.0", "Gives a key a time to live in seconds.", "seconds"),
    ("pexpire", 1, False, "2.6.0", "Gives a key a time to live in milliseconds.", "milliseconds"),
    (
        "expireat",
        1000,
        True,
        "1.2.0",
        "Lets a key end at a moment given in seconds since 1970.",
        "unix-time-seconds",
    ),
    (
        "pexpireat",
        1,
        True,
        "2.6.0",
        "Lets a key end at a moment given in milliseconds since 1970.",
        "unix-time-milliseconds",
    ),
):
    FAMILY.command(
        name,
        -3,
        "write fast",
        keys=(1, 1, 1),
        since=since,
        summary=summary,
        syntax=f"key {unit} {CONDITIONS}",
        acl="keyspace",
    )(_expire(unit_ms=unit_ms, is_absolute=is_absolute))

for name, unit_ms, is_absolute, since, summary in (
    ("ttl", 1000, False, "1.0.0", "Tells how many seconds a key has to live."),
    ("pttl", 1, False, "2.6.0", "Tells how many milliseconds a key has to live."),
    ("expiretime", 1000, True, "7.0.0", "Tells when a key ends, in seconds since 1970."),
    ("pexpiretime", 1, True, "7.0.0", "Tells when a key ends, in milliseconds since 1970."),
):
    FAMILY.command(
        name,
        2,
        "readonly fast",
        keys=(1, 1, 1),
        since=since,
        summary=summary,
        syntax="key",
        tips="" if is_absolute else "nondeterministic_output",
        acl="keyspace",
    )(_remaining(unit_ms=unit_ms, is_absolute=is_absolute))


@FAMILY.command(
    "persist",
    2,
    "write fast",
    keys=(1, 1, 1),
    since="2.2.0",
    summary="Takes the deadline of a key away.",
    syntax="key",
    acl="keyspace",
)
def persist(context: Context, args: Args) -> Reply:
    """PERSIST: 1, or 0 if there is no such key or it has no deadline."""
    if context.keys.deadline_ms(args[1]) is None:
        return 0
    return int(context.keys.set_deadline(args[1], None))
