"""Text that means something to SQL, LIKE or JSON comes back from both databases as it went in, or is refused in words."""

from __future__ import annotations

import pytest

from pipelines.engine.errors import PayloadConflict, UsageError
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger import Busy, Claimed

KEPT = [
    "'; DROP TABLE task_keys; --",
    '" OR ""="',
    "') ON CONFLICT DO NOTHING; --",
    "%",
    "_",
    "100%_\\%",
    "\\",
    "\\'",
    ":name %(name)s {0} ${x} ?",
    "\x1a\r\n\t\x7f",
    "2024-03-06#0/../..",
    "Ünïcödé 夜 🌙",
    "",
]
UNKEPT = ["cut \0 here", "half \udcff", "\ud83c"]
STRANGE_JSON = [*KEPT, *UNKEPT, "\\u0000", "\\ud800"]


def shown(text):
    return ascii(text)[:30]


def other(key, **changes):
    return TaskKey(**{**key.identity, **changes})


@pytest.fixture
def bystander(ledger, key):
    """A finished key of somebody else that must never be found, changed or lost by any of this."""
    ledger.finish(ledger.claim(key, holder="bystander", payload=1), {"rows": 1})
    return key


@pytest.mark.parametrize("name", ["pipeline", "step", "partition"])
def test_names_come_back_as_they_went_in_and_each_finds_itself_alone(ledger, bystander, name):
    keys = {text: other(bystander, **{name: text}) for text in KEPT}
    for key in keys.values():
        assert isinstance(ledger.claim(key, holder="me"), Claimed)
    for text, key in keys.items():
        assert ledger.entry(key.digest).identity == key.identity
        assert getattr(ledger.entry(key.digest), name) == text
        assert [entry.key for entry in ledger.entries(**{name: text})] == [key.digest]
    assert ledger.entry(bystander.digest).result == {"rows": 1}


def test_shards_of_a_partition_are_its_own(ledger, bystander):
    """The partition is looked for as the beginning of its shards' names."""
    shards = {text: other(bystander, partition=f"{text}#7") for text in KEPT}
    for shard in shards.values():
        ledger.claim(shard, holder="me")
    for text, shard in shards.items():
        assert [entry.key for entry in ledger.entries(partition=text)] == [shard.digest]


def test_holders_and_reasons_come_back_as_they_went_in(ledger, inside, key):
    for text in filter(None, KEPT):
        claim = ledger.claim(key, holder=text)
        assert ledger.entry(key.digest).holder == text
        busy = ledger.claim(key, holder=f"not {text}")
        assert isinstance(busy, Busy)
        assert busy.holder == text
        ledger.renew(claim)
        inside.end_lease(key.digest)
        claim = ledger.claim(key, holder="me")
        ledger.release(claim, text)
        ledger.fail(ledger.claim(key, holder="me"), text)
        assert ledger.entry(key.digest).error == text
        ledger.force(key.digest, holder=text, reason=text)
        events = ledger.history(key.digest)[-6:]
        told = [event.detail.get("from", event.detail.get("reason")) for event in events]
        assert told == [None, text, text, None, text, text]
        assert (events[0].holder, events[-1].holder) == (text, text)


def test_payload_inputs_and_result_come_back_as_they_went_in(ledger, bystander):
    """JSON has words for every character, halves and NUL included."""
    for text in STRANGE_JSON:
        key = other(bystander, inputs={text: [text]}, parameters={"p": text})
        claim = ledger.claim(key, holder="me", payload={text: text})
        with pytest.raises(PayloadConflict):
            ledger.claim(key, holder="me", payload={text: "other"})
        ledger.finish(claim, {text: text})
        done = ledger.claim(key, holder="you", payload={text: text})
        assert done.result == {text: text}
        entry = ledger.entry(key.digest)
        assert (entry.identity, entry.result) == (key.identity, {text: text})
        assert ledger.history(key.digest)[-1].detail == {text: text}


@pytest.mark.parametrize("text", UNKEPT, ids=shown)
@pytest.mark.parametrize("name", ["pipeline", "step", "partition"])
def test_name_that_not_every_database_keeps_is_refused_in_words(ledger, key, name, text):
    with pytest.raises(UsageError, match=f"the ledger keeps no {name} ") as caught:
        ledger.claim(other(key, **{name: text}), holder="me")
    assert str(caught.value).isascii()
    with pytest.raises(UsageError, match=f"the ledger keeps no {name} "):
        ledger.entries(**{name: text})
    assert ledger.entries() == []


@pytest.mark.parametrize("text", UNKEPT, ids=shown)
def test_holder_that_not_every_database_keeps_is_refused_in_words(ledger, bystander, text):
    with pytest.raises(UsageError, match="the ledger keeps no holder "):
        ledger.claim(other(bystander, step="x"), holder=text)
    with pytest.raises(UsageError, match="the ledger keeps no holder "):
        ledger.force(bystander.digest, holder=text, reason="")
    assert [entry.key for entry in ledger.entries()] == [bystander.digest]
    assert ledger.entry(bystander.digest).state == "done"


@pytest.mark.parametrize("text", UNKEPT, ids=shown)
def test_reason_that_not_every_database_keeps_never_stands_in_the_way(ledger, key, text):
    """A key must be given back whatever went wrong."""
    ledger.release(ledger.claim(key, holder="me"), text)
    ledger.fail(ledger.claim(key, holder="me"), text)
    ledger.force(key.digest, holder="me", reason=text)
    kept = {event.detail["reason"] for event in ledger.history(key.digest) if "reason" in event.detail}
    assert len(kept) == 1
    assert kept.pop().count("?") == 1


@pytest.mark.parametrize(("name", "longest"), [("pipeline", 100), ("step", 100), ("partition", 200)])
def test_name_that_is_too_long_is_refused_alike_by_both(ledger, key, name, longest):
    assert isinstance(ledger.claim(other(key, **{name: "x" * longest}), holder="h" * 200), Claimed)
    with pytest.raises(UsageError, match=f"expected up to {longest} whole characters"):
        ledger.claim(other(key, **{name: "x" * (longest + 1)}), holder="me")
    with pytest.raises(UsageError, match="expected up to 200 whole characters"):
        ledger.claim(key, holder="h" * 201)


def test_key_is_looked_for_literally(ledger, bystander):
    for text in [*filter(None, KEPT), f"{bystander.digest[:63]}_", f"{bystander.digest[:5]}%"]:
        assert ledger.entry(text) is None
        assert ledger.history(text) == []
        with pytest.raises(UsageError, match="has no key"):
            ledger.force(text, holder="me", reason="")
    assert ledger.entry(bystander.digest).state == "done"


@pytest.mark.parametrize("text", [*UNKEPT, "0" * 65], ids=shown)
def test_key_that_cannot_be_one_is_refused_in_words(ledger, text):
    for look in (ledger.entry, ledger.history, lambda text: ledger.force(text, holder="me", reason="")):
        with pytest.raises(UsageError, match="the ledger keeps no key "):
            look(text)
