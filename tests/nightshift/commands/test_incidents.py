"""`nightshift incidents` as a person and a program meet it."""

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from nightshift.cli import cli
from pipelines.engine.incidents.store import Incidents
from pipelines.engine.ledger.observations import Observations
from pipelines.engine.promises.values import Declaration, Promise
from tests.pipelines.engine.incidents.nights import DUE, ID, NIGHT, PROMISE, verdict
from tests.pipelines.engine.incidents.shop import Shop

DECLARED = Declaration(
    "flights_scoring",
    kind="scoring",
    pipeline="flights",
    promises=(Promise("finish_by", "flights_scoring", at="06:00", timezone="America/New_York"),),
)


@pytest.fixture
def shop(sqlite_ledger_url: str):
    opened = Shop(sqlite_ledger_url)
    Observations(sqlite_ledger_url).declare([DECLARED.to_json()])
    yield opened
    opened.close()


@pytest.fixture
def nightshift(shop: Shop, tmp_path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NIGHTSHIFT_LEDGER_URL", shop.url)

    def run(*words: str, code: int = 0) -> Result:
        result = CliRunner().invoke(cli, ["incidents", *words])
        assert result.exit_code == code, result.output
        return result

    return run


def test_nothing_open_is_said(nightshift):
    assert nightshift().stdout == "No incident is open.\n"
    assert nightshift("--all").stdout == "There was no incident yet.\n"
    assert json.loads(nightshift("--json").stdout) == []
    assert "Did you mean 'flights_scoring'?" in nightshift("--dag", "flight_scoring").stdout


def test_open_incidents_are_listed_for_people_and_for_programs(shop, nightshift):
    shop.settle(verdict("late", members=(0, 4, 7), of=8, reason="slow"), now=DUE)
    shown = nightshift().stdout
    assert ID[:12] in shown
    assert "3 of 8 shards late" in shown
    [listed] = json.loads(nightshift("--json", "--dag", "flights_scoring", "--night", NIGHT).stdout)
    assert (listed["id"], listed["state"], listed["severity"], listed["due_at"]) == (ID, "late", "critical", DUE)
    assert listed["verdict"]["members"] == [0, 4, 7]
    assert json.loads(nightshift("--json", "--night", "2026-11-20").stdout) == []


def test_resolved_ones_are_shown_when_asked_for(shop, nightshift):
    shop.settle(verdict("late"), now=DUE)
    shop.settle(verdict("done", late_by=60.0), now=DUE + 60)
    assert json.loads(nightshift("--json").stdout) == []
    [listed] = json.loads(nightshift("--all", "--json").stdout)
    assert listed["state"] == "resolved"


def test_one_is_shown_with_its_history_and_whom_was_told(shop, nightshift):
    shop.settle(verdict("failed", key="3f9a1c0d2b44ff", reason="no space left", alert="failed"), now=DUE)
    shown = nightshift("show", ID[:6]).stdout
    assert "failed; told failed to mail, chat" in shown
    assert "nightshift explain 3f9a1c0d2b44" in shown
    assert "Runbook: docs/runbooks/failed.md" in shown
    told = json.loads(nightshift("show", ID, "--json").stdout)
    assert [event["event"] for event in told["history"]] == ["failed"]


def test_one_is_taken_up(shop, nightshift):
    shop.settle(verdict("late"), now=DUE)
    assert "is taken up by ada" in nightshift("ack", ID[:6], "--by", "ada").stdout
    assert json.loads(nightshift("--json").stdout)[0]["acknowledged_by"] == "ada"


def test_one_is_closed_by_hand(shop, nightshift):
    shop.settle(verdict("late"), now=DUE)
    nightshift("close", ID[:6], "--reason", "the rows were never delivered")
    assert shop.occasions("mail") == ["late", "resolved"]
    assert "finish by" in shop.rows()[-1].message["text"]


@pytest.mark.parametrize("target", ["flights_scoring", PROMISE, "flights_scoring/drift", ID[:10]])
def test_target_is_silenced_and_heard_again(shop, nightshift, target):
    shop.settle(verdict("late"), now=DUE)
    assert "Nothing is told of" in nightshift("silence", target, "--for", "2h", "--reason", "we know").stdout
    assert "we know" in nightshift().stdout
    [listed] = json.loads(nightshift("--json").stdout)
    assert (listed["silenced_until"] is None) == target.endswith("drift")
    assert "1 silence ended" in nightshift("unsilence", target).stdout
    assert json.loads(nightshift("--json").stdout)[0]["silenced_until"] is None


def test_what_could_not_be_delivered_is_said_where_somebody_looks(shop, nightshift):
    shop.settle(verdict("late"), now=DUE)
    [letter] = shop.outbox.take("me", limit=1, lease_seconds=60, route="mail")
    shop.outbox.failed(letter.id, "me", "the server refused", retry_in=60)
    assert "route mail: 1 messages wait" in nightshift().stdout
    assert "the server refused" in nightshift().stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "ffffffff"), "there is no incident 'ffffffff'"),
        (("ack", "nonsense"), "`nightshift incidents --all` shows"),
        (("silence", "flights_scorng", "--for", "2h", "--reason", "x"), "Did you mean 'flights_scoring'?"),
        (("silence", "flights_scoring", "--for", "two", "--reason", "x"), "such as 30m"),
        (("silence", "flights_scoring", "--for", "2h"), "--reason"),
        (("silence", "flights_scoring", "--for", "9000w", "--reason", "x"), "at most a year"),
        (("unsilence", "flights_scoring"), "is not silenced. Nothing is."),
        (("ack", ID, "--by", " "), "needs a name"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_sentence(shop, nightshift, words, said):
    shop.settle(verdict("late"), now=DUE)
    result = nightshift(*words, code=2)
    assert said in result.output
    assert "Traceback" not in result.output


def test_ledger_without_tables_is_a_sentence(tmp_path, monkeypatch, nightshift):
    monkeypatch.setenv("NIGHTSHIFT_LEDGER_URL", f"sqlite:///{tmp_path / 'none.db'}")
    assert "nightshift migrate" in nightshift(code=1).output


def test_commands_see_what_another_process_settles(shop, nightshift):
    """The command opens the database by itself; what it acknowledges, the watch finds."""
    shop.settle(verdict("late"), now=DUE)
    nightshift("ack", ID[:6], "--by", "ada")
    assert Incidents(shop.url).get(ID).acknowledged_by == "ada"
    assert shop.settle(verdict("late"), now=DUE + 7200) == []


def test_open_one_says_what_to_do_and_a_resolved_one_does_not(shop, nightshift):
    shop.settle(verdict("failed", key="3f9a1c0d2b44ff", reason="no space left", alert="failed"), now=DUE)
    to_do = nightshift("show", ID[:6]).stdout.split("What to do")[1]
    assert f"nightshift score flights {NIGHT}" in to_do
    shop.settle(verdict("done", late_by=60.0), now=DUE + 60)
    assert "What to do" not in nightshift("show", ID[:6]).stdout
