"""Running the ballots of one node: the messages of `ballots`, sent until they are answered."""

from __future__ import annotations

from collections.abc import Callable

from .ballots import Acceptor, Ages, Ballot, Proposal
from .effects import SaveRecord
from .messages import (
    Accept,
    Accepted,
    Decided,
    Outbid,
    Prepare,
    Promise,
    TableInForce,
    TableNeeded,
)
from .settings import OPEN_PROMISE_MS, PROPOSAL_MS, RESEND_MS
from .state import State
from .table import Change, Member

Builder = Callable[[dict[str, Ages]], Change]
"""Makes a change of the table in force, given the promises by device."""


class Deciding:
    """Proposes changes, and votes on those of others."""

    def __init__(self, state: State, acceptor: Acceptor) -> None:
        """``decided`` is set by who joins the parts."""
        self._state = state
        self.acceptor = acceptor
        self._round = 0
        self._builder: Builder | None = None
        self._finish_ms = 0
        self.proposal: Proposal | None = None
        self.decided: Callable[[Change], None] = lambda change: None
        self.finished_for_others = 0

    @property
    def has_vote(self) -> bool:
        """Whether this device may vote on the next table."""
        table = self._state.table
        return (
            self.acceptor.record.has_vote
            and table is not None
            and self._state.me.device in table.devices
        )

    @property
    def is_idle(self) -> bool:
        """Whether no decree is open, as far as this node knows."""
        return self.proposal is None and not self.acceptor.has_promised

    def propose(self, builder: Builder) -> bool:
        """Ask for promises; return whether that was possible."""
        state = self._state
        if self.proposal is not None or state.table is None:
            return False
        promised = self.acceptor.record.promised
        self._round = 1 + max(self._round, promised.round if promised else 0)
        ballot = Ballot(self._round, state.me)
        wait_ms = PROPOSAL_MS + state.random.randrange(PROPOSAL_MS)
        self.proposal = Proposal(ballot, state.now_ms, state.now_ms, state.now_ms + wait_ms)
        self._builder = builder
        state.send_devices(Prepare(state.epoch + 1, ballot))
        return True

    def new_epoch(self) -> None:
        """Forget what was about the epoch before."""
        self.proposal = None
        self._builder = None

    def tick(self) -> None:
        """Send again what may be lost; finish what others have left open."""
        state, proposal = self._state, self.proposal
        if proposal is not None:
            if state.now_ms >= proposal.give_up_ms:
                self.proposal = None
            elif state.now_ms - proposal.sent_ms >= RESEND_MS:
                proposal.sent_ms = state.now_ms
                self._send_again(proposal)
            return
        if self.acceptor.has_promised and self.has_vote:
            if not self._finish_ms:
                wait_ms = OPEN_PROMISE_MS + state.random.randrange(OPEN_PROMISE_MS)
                self._finish_ms = self.acceptor.promised_ms + wait_ms
            if state.now_ms >= self._finish_ms:
                self._finish_ms = 0
                self.propose(self._no_change)
        else:
            self._finish_ms = 0

    def on_prepare(self, source: Member, message: Prepare) -> None:
        """Promise, if the ballot is the highest so far."""
        if not self._is_next(source, message.epoch) or not self.has_vote:
            return
        state, acceptor = self._state, self.acceptor
        assert state.table is not None
        if not acceptor.promise(message.ballot, state.now_ms):
            self._outbid(source, message.epoch)
            return
        state.leases.promised(state.table, state.me, state.now_ms)
        ages = state.leases.ages(state.table, state.me, state.now_ms)
        state.effects.append(SaveRecord(acceptor.record))
        state.send(
            source,
            Promise(message.epoch, message.ballot, acceptor.record.accepted, tuple(ages.items())),
        )

    def on_accept(self, source: Member, message: Accept) -> None:
        """Accept, unless a higher ballot was promised."""
        if not self._is_next(source, message.epoch) or not self.has_vote:
            return
        if not self.acceptor.accept(message.ballot, message.change, self._state.now_ms):
            self._outbid(source, message.epoch)
            return
        table = self._state.table
        assert table is not None
        self._state.leases.promised(table, self._state.me, self._state.now_ms)
        self._state.effects.append(SaveRecord(self.acceptor.record))
        self._state.send(source, Accepted(message.epoch, message.ballot))

    def on_promise(self, source: Member, message: Promise) -> None:
        """Propose once a quorum has promised."""
        proposal, state = self._find(message.epoch, message.ballot), self._state
        if proposal is None or proposal.change is not None or self._builder is None:
            return
        assert state.table is not None
        proposal.add_promise(source.device, dict(message.ages), message.accepted)
        if not state.table.is_quorum(proposal.ages):
            return
        if proposal.earlier is not None:
            proposal.change = proposal.earlier[1]
            self.finished_for_others += proposal.earlier[0].proposer != state.me
        else:
            proposal.change = self._builder(proposal.ages)
        proposal.sent_ms = state.now_ms
        state.send_devices(Accept(message.epoch, proposal.ballot, proposal.change))

    def on_accepted(self, source: Member, message: Accepted) -> None:
        """Tell everybody once a quorum has accepted."""
        proposal, state = self._find(message.epoch, message.ballot), self._state
        if proposal is None or proposal.change is None:
            return
        assert state.table is not None
        proposal.accepted[source.device] = None
        if not state.table.is_quorum(proposal.accepted):
            return
        change, before = proposal.change, state.table
        after = before.apply(change)
        for device in before.devices:
            if device != state.me.device:
                state.send_device(device, Decided(change))
        for member in after.members:
            if member not in before:
                state.send(member, TableInForce(after))
        self.decided(change)

    def on_outbid(self, source: Member, message: Outbid) -> None:
        """Leave the decree to the higher ballot."""
        self._round = max(self._round, message.ballot.round)
        if self.proposal is not None and message.epoch == self._state.epoch + 1:
            self.proposal = None

    def _no_change(self, ages: dict[str, Ages]) -> Change:
        assert self._state.table is not None
        return self._state.table.change({}, heir=self._state.table.heir)

    def _send_again(self, proposal: Proposal) -> None:
        state = self._state
        epoch = state.epoch + 1
        assert state.table is not None
        for device in state.table.devices:
            if proposal.change is not None and device not in proposal.accepted:
                accept = Accept(epoch, proposal.ballot, proposal.change)
                state.send_device(device, accept)
            elif proposal.change is None and device not in proposal.ages:
                state.send_device(device, Prepare(epoch, proposal.ballot))

    def _is_next(self, source: Member, epoch: int) -> bool:
        state = self._state
        if state.table is None:
            return False
        if epoch <= state.epoch:
            state.send(source, TableInForce(state.table))
        elif epoch > state.epoch + 1:
            state.send(source, TableNeeded())
        return epoch == state.epoch + 1

    def _outbid(self, source: Member, epoch: int) -> None:
        promised = self.acceptor.record.promised
        assert promised is not None
        self._state.send(source, Outbid(epoch, promised))

    def _find(self, epoch: int, ballot: Ballot) -> Proposal | None:
        proposal = self.proposal
        if proposal is None or epoch != self._state.epoch + 1 or proposal.ballot != ballot:
            return None
        return proposal
