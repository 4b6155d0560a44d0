"""Broken forms of the protocol, each without one of its rules. The simulation must notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from memcloud.protocol.core import Core
from memcloud.protocol.founding import Founding
from memcloud.protocol.gateway import Gateway
from memcloud.protocol.leading import Leading
from memcloud.protocol.learning import Learning
from memcloud.protocol.leases import Leases
from memcloud.protocol.messages import Result
from memcloud.protocol.moves import Moves, Step
from memcloud.protocol.results import Results
from memcloud.protocol.serving import Serving
from memcloud.protocol.table import Assignment, Change, Table

from .world import Device

Patch = tuple[type, str, Any]


def _patches(*patches: Patch) -> Callable[[], Any]:
    @contextmanager
    def apply() -> Iterator[None]:
        with ExitStack() as stack:
            for owner, name, value in patches:
                stack.enter_context(patch.object(owner, name, value))
            yield

    return apply


def _blind_clock(device: Device, now_ms: float) -> int:
    return device.offset_ms + int((now_ms - device.slept_ms) * device.rate)


def _dirty_run(serving: Any, slot: int, copy: Any, origin: Any, command: bytes) -> None:
    state = serving._state
    if command.startswith(b"GET"):
        reply, _ = state.store.run(slot, command, state.now_ms)
        state.send(origin.gateway, Result(origin.counter, reply))
    else:
        _RUN(serving, slot, copy, origin, command)


def _bind_nothing(moves: Any, attempt: Any) -> None:
    for slot in attempt.slots:
        attempt.open[slot] = 0


def _unfrozen_advance(moves: Any) -> None:
    attempt = moves.attempt
    _ADVANCE(moves)
    if attempt is not None:
        for slot in attempt.slots:
            if slot in moves._serving.held:
                moves._serving.held[slot].is_frozen = False


def _impatient_tick(moves: Any) -> None:
    attempt = moves.attempt
    now_ms = moves._state.now_ms
    if attempt is not None and attempt.step >= Step.FROZEN and now_ms - attempt.moved_ms > 300:
        moves._serving.resume(moves.end())
    else:
        _MOVES_TICK(moves)


def _deaf_replicate(core: Any, source: Any, message: Any) -> None:
    copy = core.serving.held.get(message.slot)
    if message.attempt:
        core.learning.on_replicate(source, message)
    elif copy is not None:
        table = core.state.table
        changed = message._replace(epoch=table.epoch)
        with patch.object(Serving, "_is_primary", lambda serving, slot: False):
            at = table.slots[message.slot]
            slots = list(table.slots)
            slots[message.slot] = Assignment(source, (core.me,), at.lineage)
            core.state.table = replace(table, slots=tuple(slots))
            core.serving.on_replicate(source, changed)
            core.state.table = table


def _any_attempt(learning: Any, source: Any, attempt: int, epoch: int) -> Any:
    lesson = learning._lessons.get(source)
    return lesson if lesson is not None and lesson.epoch == epoch else None


def _any_ack(serving: Any, source: Any, message: Any) -> None:
    copy = serving.held.get(message.slot)
    stream = copy.streams.get(source) if copy is not None else None
    if stream is not None:
        stream.take_ack(message.sequence)
        serving.release(message.slot)


def _retaking_chunk(learning: Any, source: Any, message: Any) -> None:
    lesson = learning._find(source, message.attempt, message.epoch)
    if lesson is not None and message.number <= lesson.number:
        for part in message.parts:
            learning._take(lesson, part)
    _ON_CHUNK(learning, source, message)


def _forgetful_change(leading: Any, ages: Any, assigned: Any = None) -> Change:
    table = leading._state.table
    change = _CHANGE(leading, ages, assigned)
    slots = {slot: at._replace(hold_ms=0) for slot, at in enumerate(table.slots) if at.hold_ms}
    for first, last, assignment in change.runs:
        slots.update(dict.fromkeys(range(first, last + 1), assignment))
    broken: Change = table.change(slots, change.members, change.weights, change.heir)
    return broken


def _forgetful_core(core: Any, *args: Any) -> None:
    settings, store, random, record, now_ms, wall = args
    if record is not None:
        record = replace(record, promised=None, accepted=None)
    _CORE(core, settings, store, random, record, now_ms, wall)


def _lasting_epoch(leases: Any, table: Any, me: Any) -> None:
    received = dict(leases._received)
    _START_EPOCH(leases, table, me)
    leases._received = received
    leases.until_ms = leases._until(table, me)


def _careless_send(gateway: Any, counter: int) -> None:
    request = gateway.open[counter]
    if request.sent_lineage is not None and gateway._state.table is not None:
        request.sent_lineage = gateway._state.table.slots[request.slot].lineage
    _SEND(gateway, counter)


_RUN = Serving._run
_ADVANCE = Moves._advance
_MOVES_TICK = Moves.tick
_ON_CHUNK = Learning.on_chunk
_CHANGE = Leading.change
_CORE = Core.__init__
_START_EPOCH = Leases.start_epoch
_SEND = Gateway._send

MUTANTS: dict[str, Callable[[], Any]] = {
    "no lease": _patches((Leases, "is_valid", lambda leases, now_ms: True)),
    "a clock that stops in sleep": _patches((Device, "clock_ms", _blind_clock)),
    "no hold": _patches((Leading, "_hold", lambda leading, member, ages: 0)),
    "a hold that is forgotten": _patches((Leading, "change", _forgetful_change)),
    "no quorum": _patches((Table, "is_quorum", lambda table, devices: True)),
    "parting in spite of a quorum": _patches((Founding, "_is_near_quorum", lambda founding: False)),
    "no memory of results": _patches((Results, "find", lambda results, gateway, counter: None)),
    "a target that need not acknowledge": _patches((Moves, "_bind", _bind_nothing)),
    "dirty reads": _patches((Serving, "_run", _dirty_run)),
    "entries of any epoch": _patches((Core, "_on_replicate", _deaf_replicate)),
    "acknowledgements of any copy": _patches(
        (Learning, "_find", _any_attempt), (Serving, "on_replicated", _any_ack)
    ),
    "no freeze": _patches((Moves, "_advance", _unfrozen_advance)),
    "a freeze that times out": _patches((Moves, "tick", _impatient_tick)),
    "chunks taken twice": _patches((Learning, "on_chunk", _retaking_chunk)),
    "promises forgotten over a restart": _patches((Core, "__init__", _forgetful_core)),
    "acknowledging after a promise": _patches(
        (Core, "_may_acknowledge", lambda core, source: source in core.state.table)
    ),
    "its own vote after a promise": _patches(
        (Leases, "promised", lambda leases, table, me, now_ms: None)
    ),
    "leases over epochs": _patches((Leases, "start_epoch", _lasting_epoch)),
    "keeping data when given up": _patches((Serving, "drop_all", lambda serving: None)),
    "sending again to an emptied slot": _patches((Gateway, "_send", _careless_send)),
}
