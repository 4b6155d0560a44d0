"""Every other command of the common families, 16 in flight: the CPU that each of them takes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from memcloud.resp import ErrorReply

from ..load import KEY, KEYS, VALUE, Sample, Target, Work, best_peer_cpu_us, progress
from ..load import measure as measure_load
from ..programs import peers_and_us
from ..report import Section, ratio
from ..servers import Server, all_running
from .options import Options

PIPELINE = 16
RATIO_MAX = 1.3
RATIO_OF_ANY_MAX = 2.0
_TEN_KEYS = (KEY,) * 10


@dataclass(frozen=True)
class Case:
    """A command, what it is called in the table, and what it needs before each round."""

    words: tuple[str, ...]
    title: str = ""
    refills: bool = False  # it removes the keys that it meets
    makes: tuple[str, ...] = ()  # a command that makes its keys, of another type than string

    @property
    def name(self) -> str:
        """Return the title, the command's name if there is none."""
        return self.title or self.words[0]


def _case(words: str, title: str = "", *, refills: bool = False, makes: str = "") -> Case:
    return Case(_words(words), title, refills, _words(makes))


def _words(text: str) -> tuple[str, ...]:
    """Return words; in the text, K is a random key, V a value and N a random number."""
    known = {"K": KEY, "V": VALUE, "N": "__rand_int__"}
    return tuple(re.sub(r"\b[KVN]\b", lambda found: known[found[0]], word) for word in text.split())


CASES = (
    _case("PING"),
    _case("ECHO V"),
    _case("SET K V EX 1000", "SET EX"),
    _case("SET K V NX", "SET NX"),
    _case("SET K V GET", "SET GET"),
    _case("SETEX K 1000 V"),
    _case("SETNX K V"),
    Case(("MSET", *(KEY, VALUE) * 10), "MSET (10 keys)"),
    Case(("MGET", *_TEN_KEYS), "MGET (10 keys)"),
    _case("GETSET K V"),
    _case("GETEX K EX 1000", "GETEX EX"),
    _case("GETDEL K", refills=True),
    _case("STRLEN K"),
    _case("GETRANGE K 0 9"),
    _case("SETRANGE K 5 abc"),
    _case("APPEND tail:N x"),
    _case("INCR counter:N"),
    _case("INCRBY counter:N 5"),
    _case("DECR counter:N"),
    _case("DECRBY counter:N 5"),
    _case("INCRBYFLOAT float:N 1.5"),
    _case("EXISTS K"),
    Case(("EXISTS", *_TEN_KEYS), "EXISTS (10 keys)"),
    _case("TYPE K"),
    _case("TOUCH K"),
    _case("EXPIRE K 1000"),
    _case("PEXPIRE K 1000000"),
    _case("EXPIREAT K 4000000000"),
    _case("TTL K"),
    _case("PTTL K"),
    _case("EXPIRETIME K"),
    _case("PERSIST K"),
    _case("OBJECT ENCODING K", "OBJECT ENCODING"),
    _case("COPY {t}:N {t}:x REPLACE", makes="SET {t}:N V"),
    _case("RANDOMKEY"),
    _case("SCAN 0 COUNT 10"),
    _case("DBSIZE"),
    _case("DEL K", refills=True),
    Case(("DEL", *_TEN_KEYS), "DEL (10 keys)", refills=True),
    _case("UNLINK K", refills=True),
    _case("HSET hash:N field V"),
    _case("HGET hash:N field", makes="HSET hash:N field V"),
    _case("HMGET hash:N field other", makes="HSET hash:N field V"),
    _case("HGETALL hash:N", makes="HSET hash:N field V"),
    _case("HINCRBY hashcount:N field 1"),
    _case("HDEL hash:N field", makes="HSET hash:N field V"),
    _case("LPUSH list:N V"),
    _case("RPUSH list:N V"),
    _case("LRANGE list:N 0 9", makes="RPUSH list:N V"),
    _case("LLEN list:N", makes="RPUSH list:N V"),
    _case("LPOP list:N", makes="RPUSH list:N V"),
    _case("RPOP list:N", makes="RPUSH list:N V"),
    _case("SADD set:a N"),
    _case("SISMEMBER set:a N", makes="SADD set:a N"),
    _case("SCARD set:a", makes="SADD set:a N"),
    _case("SREM set:a N", makes="SADD set:a N"),
    _case("ZADD zset:a 1 N"),
    _case("ZSCORE zset:a N", makes="ZADD zset:a 1 N"),
    _case("ZRANGE zset:a 0 9", makes="ZADD zset:a 1 N"),
    _case("ZRANK zset:a N", makes="ZADD zset:a 1 N"),
    _case("ZINCRBY zset:a 1 N", makes="ZADD zset:a 1 N"),
    _case("ZREM zset:a N", makes="ZADD zset:a 1 N"),
)


def measure(section: Section, options: Options) -> None:
    """Measure each command that all servers know, and sort them by our ratio."""
    section.say(
        f"CPU in µs per operation, {PIPELINE} in flight for each of 50 clients, the median of "
        f"{options.rounds} rounds; keys and values as above. The ratio is to the better of the "
        f"others; the target is {RATIO_MAX}, and {RATIO_OF_ANY_MAX:.0f} for none of them."
    )
    with all_running(peers_and_us()) as servers:
        known = [case for case in CASES if _is_known(servers, case)]
        if absent := [case.name for case in CASES if case not in known]:
            section.say(f"Not there yet, and so not measured: {', '.join(absent)}.")
        found: dict[Case, dict[str, Sample]] = {}
        try:
            for case in known:
                found[case] = _samples(servers, case, options.rounds)
        finally:
            _report(section, [server.title for server in servers], found)


def _is_known(servers: Sequence[Server], case: Case) -> bool:
    """Tell whether each server has the command."""
    for server in servers:
        with server.client() as client:
            (reply,) = client.batch([["COMMAND", "INFO", case.words[0]]])
        if isinstance(reply, ErrorReply):
            return False
        assert isinstance(reply, list)
        if reply == [None]:
            return False
    return True


def _samples(servers: Sequence[Server], case: Case, rounds: int) -> dict[str, Sample]:
    progress(case.name)
    targets = [Target.of(server) for server in servers]
    by_title = {server.title: server for server in servers}

    def refill(target: Target) -> None:
        with by_title[target.title].client() as client:
            client.fill(range(KEYS), VALUE.encode())

    for target in targets:
        refill(target)
    if case.makes:
        measure_load(targets, Work(case.makes, PIPELINE, seconds=0.3), rounds=1)
    work = Work(case.words, PIPELINE, seconds=0.3)
    return measure_load(targets, work, rounds, refill if case.refills else None)


def _report(section: Section, titles: list[str], found: dict[Case, dict[str, Sample]]) -> None:
    subject, *others = titles
    if not others or not found:
        section.not_measured("all commands", "there is nothing to compare with")
        return
    ratios = {
        case: samples[subject].cpu_us / best_peer_cpu_us(samples, subject)
        for case, samples in found.items()
    }
    rows = section.table(["command", *titles, "ratio", "target"])
    for case in sorted(ratios, key=lambda case: -ratios[case]):
        figures = (f"{found[case][title].cpu_us:.2f}" for title in titles)
        mark = "" if ratios[case] <= RATIO_MAX else "falls short"
        rows.append([case.name, *figures, ratio(ratios[case], 1), mark])
    slow = sum(value > RATIO_MAX for value in ratios.values())
    section.at_most(f"commands of {len(ratios)} over {RATIO_MAX}x", slow, 0, "{:.0f}")
    section.at_most("the highest ratio of any command", max(ratios.values()), RATIO_OF_ANY_MAX)
