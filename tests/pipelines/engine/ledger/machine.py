"""What a ledger should do, as a model in memory, and a machine that holds a real ledger against it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from pipelines.engine.errors import FenceLost, PayloadConflict, UsageError
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger import Busy, Claimed, Done, Ledger
from tests.pipelines.engine.ledgers import Inside

STATE_AFTER = {
    "claimed": "claimed",
    "taken_over": "claimed",
    "finished": "done",
    "failed": "failed",
    "released": "open",
    "forced": "open",
}
CHANGES_HANDS = ("claimed", "taken_over", "forced")
LEASE = 3600.0


@dataclass
class Known:
    """One key as the model remembers it; an event is (name, fence, generation, holder)."""

    payload: Any
    holder: str
    state: str = "claimed"
    fence: int = 0
    generation: int = 1
    expired: bool = False
    result: dict[str, Any] | None = None
    events: list[tuple[str, int, int, str]] = field(default_factory=list)

    def note(self, event: str, claim: Claimed) -> None:
        self.state = STATE_AFTER[event]
        self.events.append((event, claim.fence, claim.generation, claim.holder))

    def is_held_by(self, claim: Claimed) -> bool:
        return self.state == "claimed" and self.fence == claim.fence

    def has(self, event: str, fence: int) -> bool:
        return any((name, number) == (event, fence) for name, number, *_ in self.events)


class LedgerMachine(RuleBasedStateMachine):
    """Several holders do anything in any order; after each step the tables say what the model says."""

    claims = Bundle("claims")
    names = st.sampled_from(["a", "a", "a", "b"])  # much happens to one key
    holders = st.sampled_from(["h1", "h2", "h3"])
    payloads = st.just({"rows": 7})
    numbers = count(1)

    def __init__(self, ledger: Ledger, inside: Inside) -> None:
        super().__init__()
        self.ledger = ledger
        self.inside = inside
        self.example = next(self.numbers)  # each example has keys of its own in the same tables
        self.known: dict[str, Known] = {}
        self.seen: dict[str, list[Any]] = {}

    def key(self, name: str) -> TaskKey:
        return TaskKey(pipeline="flights", step="score", partition=name, parameters={"example": self.example})

    def of(self, claim: Claimed) -> Known:
        return next(known for name, known in self.known.items() if self.key(name).digest == claim.key)

    @initialize(target=claims, holder=holders, payload=payloads)
    def first_claim(self, holder, payload):
        return self.claim_and_compare("a", holder, payload)

    @rule(target=claims, name=names, holder=holders, payload=payloads)
    def claim(self, name, holder, payload):
        return self.claim_and_compare(name, holder, payload)

    @rule(target=claims, name=names, holder=holders, payload=payloads)
    def claim_after_the_lease_ran_out(self, name, holder, payload):
        self.lease_runs_out(name)
        return self.claim_and_compare(name, holder, payload)

    def claim_and_compare(self, name, holder, payload):
        key = self.key(name)
        known = self.known.get(name)
        answer = self.ledger.claim(key, holder=holder, payload=payload)
        if known and known.state == "done":
            assert isinstance(answer, Done)
            assert (answer.result, answer.fence) == (known.result, known.fence)
            return multiple()
        if known and known.state == "claimed" and known.holder != holder and not known.expired:
            assert isinstance(answer, Busy)
            assert (answer.holder, answer.fence) == (known.holder, known.fence)
            assert 0 < answer.seconds_left <= LEASE
            return multiple()
        taken_over = known is not None and known.state == "claimed" and known.holder != holder
        known = self.known.setdefault(name, Known(payload, holder))
        known.fence += 1
        known.holder, known.expired = holder, False
        assert answer == Claimed(key.digest, known.fence, known.generation, holder, answer.claimed_at, taken_over)
        known.note("taken_over" if taken_over else "claimed", answer)
        return answer

    @rule(name=names, holder=holders)
    def claim_with_another_payload(self, name, holder):
        if name in self.known:
            with pytest.raises(PayloadConflict, match='"rows":7'):
                self.ledger.claim(self.key(name), holder=holder, payload={"rows": 8})

    @rule(claim=claims)
    def renew(self, claim):
        known = self.of(claim)
        if known.is_held_by(claim):
            self.ledger.renew(claim)
            known.expired = False
        else:
            with pytest.raises(FenceLost):
                self.ledger.renew(claim)

    @rule(claim=claims, number=st.integers(0, 3))
    def finish(self, claim, number):
        known = self.of(claim)
        if known.is_held_by(claim):
            self.ledger.finish(claim, {"number": number})
            known.result = {"number": number}
            known.note("finished", claim)
        elif known.state == "done" and known.fence == claim.fence:
            self.ledger.finish(claim, {"number": number})  # as if the first reply was lost: nothing more happens
        else:
            with pytest.raises(FenceLost):
                self.ledger.finish(claim, {"number": number})

    @rule(claim=claims, event=st.sampled_from(["failed", "released"]))
    def end(self, claim, event):
        known = self.of(claim)
        end = self.ledger.fail if event == "failed" else self.ledger.release
        if known.is_held_by(claim):
            end(claim, "because")
            known.note(event, claim)
            known.generation += event == "failed"
        else:
            repeated = known.has(event, claim.fence)
            with contextlib.nullcontext() if repeated else pytest.raises(FenceLost):
                end(claim, "because")

    @rule(name=names, holder=holders)
    def force(self, name, holder):
        key = self.key(name)
        known = self.known.get(name)
        if known is None:
            with pytest.raises(UsageError, match=key.short):
                self.ledger.force(key.digest, holder=holder, reason="on purpose")
            return
        entry = self.ledger.force(key.digest, holder=holder, reason="on purpose")
        known.fence += 1
        known.generation += 1
        known.result = None
        known.note("forced", Claimed(key.digest, known.fence, known.generation, holder, 0.0))
        assert (entry.state, entry.fence, entry.generation) == ("open", known.fence, known.generation)

    @rule(name=names)
    def lease_runs_out_by_itself(self, name):
        self.lease_runs_out(name)

    def lease_runs_out(self, name):
        if name in self.known:
            self.inside.end_lease(self.key(name).digest)
            self.known[name].expired = True

    @precondition(lambda self: len(self.known) > 1)
    @rule(claim=consumes(claims))
    def crash(self, claim):
        """A holder dies: nobody will use this claim again."""

    @invariant()
    def tables_say_what_the_model_says(self):
        for name, known in self.known.items():
            row = self.inside.row(self.key(name).digest)
            expected = (known.state, known.fence, known.generation, known.holder, known.result)
            assert (row.state, row.fence, row.generation, row.holder, row.result) == expected
            assert row.payload == known.payload
            if known.state == "claimed":
                assert (row.lease_until < row.claimed_at + LEASE) == known.expired

    @invariant()
    def history_is_appended_to_in_order(self):
        for name, known in self.known.items():
            events = self.inside.events(self.key(name).digest)
            before = self.seen.get(name, [])
            assert events[: len(before)] == before
            assert [(e.event, e.fence, e.generation, e.holder) for e in events] == known.events
            self.seen[name] = events

    @invariant()
    def history_keeps_the_promises(self):
        """The promises read from the recorded events alone, whatever the model believes."""
        for name, events in self.seen.items():
            fences = [e.fence for e in events if e.event in CHANGES_HANDS]
            assert all(older < newer for older, newer in pairwise(fences))
            assert [e.fence for e in events] == sorted(e.fence for e in events)
            finished = [e.generation for e in events if e.event == "finished"]
            assert len(finished) == len(set(finished))
            assert self.inside.row(self.key(name).digest).state == STATE_AFTER[events[-1].event]

    def teardown(self):
        for name, known in self.known.items():
            digest = self.key(name).digest
            assert [(e.event, e.fence, e.generation, e.holder) for e in self.ledger.history(digest)] == known.events
            assert self.ledger.entry(digest).result == known.result
