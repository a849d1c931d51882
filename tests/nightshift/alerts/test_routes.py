"""Who is told what, and what a mistaken routes.toml gets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightshift.alerts.references import FORMS, MESSAGE_FIELDS, filled, mistakes_of, references_of
from nightshift.alerts.routes import ALERTS, Route, Routing, covers, parse_routes, read_routes, routes_for
from pipelines.engine.errors import DeclarationError
from pipelines.engine.incidents.values import SEVERITIES
from pipelines.engine.settings import REPOSITORY, read_settings
from tests.nightshift.alerts.messages import LATE

ROUTES = (
    Route("all", "log://", at_least="info"),
    Route("science", "log://", owner="flight-*"),
    Route("pager", "log://", at_least="critical", escalations="also"),
    Route("second", "log://", at_least="critical", escalations="only"),
    Route("drift", "log://", alerts=("drift",)),
)


def parsed(text: str) -> Routing:
    return parse_routes(text, "routes.toml", lambda: {"slack", "json", "mailto"})


def mistakes(text: str) -> list[str]:
    with pytest.raises(DeclarationError) as error:
        parsed(text)
    return str(error.value).splitlines()


def one(**values: str) -> str:
    return "[[route]]\n" + "".join(f"{key} = {value}\n" for key, value in values.items())


@pytest.mark.parametrize(
    ("owner", "severity", "alert", "escalation", "told"),
    [
        ("flight-science", "critical", "late", False, ("all", "science", "pager")),
        ("flight-science", "warning", "at_risk", False, ("all", "science")),
        ("flight-science", "info", "at_risk", False, ("all",)),
        ("parcel-science", "warning", "drift", False, ("all", "drift")),
        ("parcel-science", "critical", "late", True, ("pager", "second")),
        ("parcel-science", "warning", "late", True, ()),
    ],
)
def test_routes_are_chosen_by_owner_severity_alert_and_escalation(owner, severity, alert, escalation, told) -> None:
    assert routes_for(ROUTES, owner, severity, alert, escalation) == told


@given(
    owner=st.text(max_size=8),
    severity=st.sampled_from(SEVERITIES),
    alert=st.sampled_from(ALERTS),
    escalation=st.booleans(),
)
def test_worse_alerts_are_told_to_at_least_as_many(owner, severity, alert, escalation) -> None:
    told = [set(routes_for(ROUTES, owner, each, alert, escalation)) for each in SEVERITIES]
    assert told[0] <= told[1] <= told[2]
    assert set(routes_for(ROUTES, owner, severity, alert, False)).isdisjoint({"second"})


def test_owner_is_covered_if_somebody_hears_of_late_nights() -> None:
    assert covers(ROUTES[1:2], "flight-science")
    assert not covers(ROUTES[1:2], "parcel-science")
    assert not covers(ROUTES[3:], "flight-science")  # escalations and drift alone are not enough


def test_shipped_routes_tell_everybody_of_everything_in_a_dry_run() -> None:
    routing = read_routes(read_settings({}))
    assert [route.url for route in routing.routes] == ["log://"]
    assert covers(routing.routes, "anybody")
    assert routes_for(routing.routes, "anybody", "critical", "late", escalation=True) == ("dry-run",)
    assert (routing.cooldown_seconds, routing.escalate_after_seconds, routing.ui) == (1800, 1800, None)


def test_commented_examples_of_the_shipped_routes_are_right() -> None:
    text = (REPOSITORY / "routes.toml").read_text()
    # Comments that are TOML are those that begin a table or set a value.
    lines = [
        line.removeprefix("# ") if line.startswith("# [") or " = " in line.partition("#")[2].partition("#")[0] else line
        for line in text.splitlines()
    ]
    from nightshift.alerts.apprise_sink import schemes

    routing = parse_routes("\n".join(lines), "routes.toml", schemes)
    assert len(routing.routes) == 7
    assert routing.ui == "https://airflow.example.org"


def test_policy_and_links_are_read() -> None:
    text = '[policy]\ncooldown = "90s"\nescalate_after = "2h"\n[links]\nui = "https://a.example/"\nrunbooks = "docs"\n'
    routing = parsed(text + one(name='"x"', url='"log://"', escalations='"only"', alerts='["late"]'))
    assert (routing.cooldown_seconds, routing.escalate_after_seconds) == (90.0, 7200.0)
    assert (routing.ui, routing.runbooks) == ("https://a.example", "docs")
    assert routing.route("x") == Route("x", "log://", alerts=("late",), escalations="only")


def test_every_mistake_is_said_at_once_with_its_line() -> None:
    said = mistakes(
        'polcy = 1\n[[route]]\nname = "a"\nat_least = "critcal"\nurl = "slak://x"\n'
        '\n[[route]]\nname = "a"\nownr = "x"\nurl = "log://"\n'
    )
    assert said[0] == "routes.toml has 5 mistakes:"
    assert said[1] == "  line 1, 'polcy' is unknown; expected route, policy or links. Did you mean 'policy'?"
    assert "line 4, route 'a': at_least: expected info, warning or critical" in said[2]
    assert "Did you mean 'critical'?" in said[2]
    assert "line 5, route 'a': url: nobody knows how to send to slak://. Did you mean 'slack'?" in said[3]
    assert "line 7, route 'a': route 1 has this name, too" in said[4]
    assert "line 9, route 'a': 'ownr' is unknown" in said[5]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no [[route]]: nobody would be told"),
        ("[[route]\n", "routes.toml is not TOML"),
        ("route = 3\n", "there is no [[route]]"),
        ("route = [3]\n", "route 1: expected [[route]]"),
        (one(url='"log://"'), "route 1: name: expected"),
        (one(name='"a b"', url='"log://"'), "name: expected up to 100"),
        (one(name='"a"'), "url: expected where to send"),
        (one(name='"a"', url="7"), "url: expected where to send"),
        (one(name='"a"', url='"no-scheme"'), "url: there is no scheme"),
        (one(name='"a"', url='"https://hooks.slack.com/services/x"'), 'keep it as a secret: url = "{env:NAME}"'),
        (one(name='"a"', url='"json://h/{enb:X}"'), "unknown kind 'enb'"),
        (one(name='"a"', url='"json://h/{env:}"'), "{env:} names no env"),
        (one(name='"a"', url='"json://h/{env:X"'), "a brace that is not closed"),
        (one(name='"a"', url='"json://h/{incidnt}"'), "Did you mean 'incident'?"),
        (one(name='"a"', url='"log://"', owner="1"), "owner: expected a name or a pattern"),
        (one(name='"a"', url='"log://"', at_least="1"), "at_least: expected info"),
        (one(name='"a"', url='"log://"', alerts='"late"'), "alerts: expected a list"),
        (one(name='"a"', url='"log://"', alerts='["lat"]'), "Did you mean 'late'?"),
        (one(name='"a"', url='"log://"', escalations='"yes"'), "escalations: expected true, false"),
        ("[policy]\ncooldown = 30\n" + one(name='"a"', url='"log://"'), "line 2, [policy] cooldown: expected a time"),
        ('[policy]\ncooldown = "30d"\n' + one(name='"a"', url='"log://"'), 'at most "7d"'),
        ("policy = 3\n" + one(name='"a"', url='"log://"'), "policy: expected a table"),
        ('[links]\nui = "airflow"\n' + one(name='"a"', url='"log://"'), "[links] ui: expected an address"),
        ('[links]\nrunbook = "x"\n' + one(name='"a"', url='"log://"'), "Did you mean 'runbooks'?"),
    ],
)
def test_mistake_gets_a_sentence(text: str, said: str) -> None:
    assert said in "\n".join(mistakes(text))


def test_missing_file_says_how_to_name_another(tmp_path: Path) -> None:
    settings = read_settings({"NIGHTSHIFT_ROUTES": str(tmp_path / "none.toml")})
    with pytest.raises(DeclarationError, match="NIGHTSHIFT_ROUTES"):
        read_routes(settings)


def test_own_schemes_need_no_other_library() -> None:
    def unused() -> set[str]:
        raise AssertionError

    text = one(name='"a"', url='"log://"') + one(name='"b"', url='"alertmanager://h:9093"')
    assert len(parse_routes(text + one(name='"c"', url='"{env:X}"'), "f", unused).routes) == 3


def test_route_does_not_show_its_url() -> None:
    assert "hunter2" not in repr(Routing((Route("a", "mailto://me:hunter2@example.org"),)))


@pytest.mark.parametrize(
    ("url", "references"),
    [
        ("json://h/{env:A}/{env:B}/{env:A}", ["{env:A}", "{env:B}"]),
        ("mailto://{connection:smtp.login}:{connection:smtp}@h", ["{connection:smtp.login}", "{connection:smtp}"]),
        ("json://{connection:a.b.host}:{connection:a.b.port}", ["{connection:a.b.host}", "{connection:a.b.port}"]),
        ("json://h/{connection:x.extra.a.b}/{secret:team/slack}", ["{connection:x.extra.a.b}", "{secret:team/slack}"]),
        ("json://h/{incident}", []),
    ],
)
def test_secrets_of_a_url_are_found(url: str, references: list[str]) -> None:
    assert mistakes_of(url) == []
    assert [str(reference) for reference in references_of(url)] == references


def test_what_is_put_into_a_url_stays_one_word() -> None:
    url = "json://u:{env:P}@h/{dag}?:incident={incident}&:night={night}"
    said = filled(url, lambda _: "a/b@c d&e", LATE)
    assert said == f"json://u:a%2Fb%40c%20d%26e@h/flights_scoring?:incident={LATE.incident_id}&:night=2026-11-19"


def test_secret_that_is_the_whole_url_is_taken_as_it_is() -> None:
    assert filled("{env:HOOK}", lambda _: "https://h/a/b\n", LATE) == "https://h/a/b"


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_any_secret_comes_back_from_its_url(secret: str) -> None:
    from urllib.parse import unquote, urlsplit

    assert unquote(urlsplit(filled("json://h/{env:X}", lambda _: secret, LATE)).path[1:]) == secret


def test_every_field_of_a_message_can_be_named() -> None:
    url = "json://h/" + "/".join(f"{{{name}}}" for name in MESSAGE_FIELDS)
    assert mistakes_of(url) == []
    assert "{" not in filled(url, lambda _: "", LATE)
    assert "{secret:NAME}" in FORMS


def test_reading_routes_imports_nothing_heavy() -> None:
    code = """
import sys
from nightshift.alerts.routes import read_routes
from nightshift.alerts.sinks import open_sink
from pipelines.engine.settings import read_settings
settings = read_settings({})
open_sink(read_routes(settings).routes[0], settings)
sys.exit(",".join(name for name in ("apprise", "airflow", "httpx", "requests", "pandas", "mlflow") if name in sys.modules) or 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
