"""Every page in a real browser, logged in to a real Airflow: complete, quiet, accessible; and the actions."""

from __future__ import annotations

import json
import re

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from nightshift.pages.app import fastapi_app
from pipelines.engine.incidents.lifecycle import incident_id
from pipelines.engine.ledger.store import Ledger
from pipelines.engine.settings import read_settings
from tests.nightshift.pages.browser import stage
from tests.nightshift.pages.browser.conftest import NARROW, SCREENSHOTS, WIDE, House, Visit
from tests.nightshift.pages.routes import routes_of

pytestmark = pytest.mark.airflow

PAGES = {
    "nights": "nights",
    "nights-of": "nights/flights",
    "night": f"nights/flights/{stage.GOOD[1]}",
    "night-refused": f"nights/flights/{stage.REFUSED}",
    "night-stopped": f"nights/flights/{stage.STOPPED}",
    "models": "models",
    "model": "models/flights",
    "version": "models/flights/versions/2",
    "checks": "checks",
    "checks-of": "checks/flights",
    "incidents": "incidents",
    "incident": f"incidents/{incident_id('flights_scoring/succeed', stage.STOPPED)[:12]}",
    "runbook": "runbooks/checks-failed",
    "key": "keys/",
}
SERIOUS = ("serious", "critical")
RUN = "after-the-roll-back"


@pytest.mark.parametrize("name", PAGES)
def test_page_is_complete_quiet_and_accessible_at_both_widths_and_themes(admin: Visit, name: str) -> None:
    page = admin.to(PAGES[name] + (key_of_a_night(admin.house) if name == "key" else ""))
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    found = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        expect(page.locator("html")).to_have_attribute("data-theme", theme)
        for size in (WIDE, NARROW):
            page.set_viewport_size(size)
            page.screenshot(path=SCREENSHOTS / f"{name}-{size['width']}-{theme}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], f"{name} is too wide"
            found += [f"{theme} {size['width']}: {line}" for line in serious_findings(page)]
    assert found == []
    assert admin.troubles == []


def key_of_a_night(house: House) -> str:
    ledger = Ledger(read_settings(house.environment).ledger_url)
    return ledger.entries(pipeline="flights", step="publish")[0].key[:12]


def serious_findings(page: Page) -> list[str]:
    violations = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {node['target']}"
        for one in violations
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


def test_every_route_answers_401_to_whoever_is_not_logged_in(house: House) -> None:
    with httpx.Client(base_url=house.pages, trust_env=False) as anonymous:
        asked = {
            f"{method} {path}": anonymous.request(method, path) for method, path in routes_of(fastapi_app()["app"])
        }
    assert {said: answer.status_code for said, answer in asked.items() if answer.status_code != 401} == {}
    assert not any("flights" in answer.text for answer in asked.values())


def test_pages_are_reached_through_airflows_own_navigation(admin: Visit) -> None:
    admin.page.set_viewport_size(WIDE)
    admin.page.goto(f"{admin.house.url}/")
    admin.page.get_by_role("link", name="Nightshift").first.click()
    frame = admin.page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="Nights", exact=True)).to_be_visible(timeout=20_000)
    frame.get_by_role("navigation", name="Nightshift").get_by_role("link", name="Models").click()
    expect(frame.get_by_role("heading", name="Models", exact=True)).to_be_visible()
    admin.page.screenshot(path=SCREENSHOTS / "in-airflow-1280-light.png")


def test_a_dag_has_its_nights_as_a_tab(admin: Visit) -> None:
    admin.page.goto(f"{admin.house.url}/dags/flights_scoring/plugin/nightshift-nights")
    frame = admin.page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="flights")).to_be_visible(timeout=20_000)


def test_a_viewer_is_offered_no_action_and_gets_none(viewer: Visit) -> None:
    page = viewer.to("models/flights")
    expect(page.get_by_text("Rolling back and promoting need a role that may")).to_be_visible()
    assert page.locator("[data-opens], form[data-action]").count() == 0
    body = {"expected": "2", "reason": "I only look"}
    assert post(page, f"{viewer.house.pages}/models/flights/roll-back", body) == 403
    page = viewer.to("incidents")
    assert page.locator("[data-opens], form[data-action]").count() == 0
    assert champion(viewer.house) == "2"


def post(page: Page, url: str, body: dict[str, object]) -> int:
    """Send what a page of ours would send."""
    asked = """async ([url, body]) => (await fetch(url, {method: "POST", body: JSON.stringify(body),
        headers: {"Content-Type": "application/json"}})).status"""
    status: int = page.evaluate(asked, [url, body])
    return status


def champion(house: House) -> str:
    """As the command line says it, which asks MLflow."""
    from model_registry import Registry

    settings = read_settings(house.environment)
    return Registry(settings.tracking_uri, settings.artifacts).resolve("flights", "champion").version


def test_an_admin_rolls_back_from_the_page_and_the_next_night_is_scored_by_it(admin: Visit) -> None:
    house, page = admin.house, admin.to("models/flights")
    page.set_viewport_size(WIDE)
    page.get_by_role("button", name="Roll back to version 1").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"The newest night, {stage.STOPPED}, stays as it is")
    page.screenshot(path=SCREENSHOTS / "roll-back-1280-light.png")
    dialog.get_by_label("Why?").fill("too many late planes")
    dialog.get_by_role("button", name="Roll back to version 1").click()
    expect(dialog.get_by_role("status")).to_contain_text("Version 1 is the champion of flights now", timeout=90_000)
    assert champion(house) == "1"
    dialog.get_by_role("button", name="Show the page as it is now").click()
    expect(page.get_by_role("row", name=re.compile("rolled back admin too many late"))).to_be_visible()
    expect(page.get_by_text("MLflow agrees: the champion is version 1")).to_be_visible()
    shown = json.loads(house.nightshift("models", "flights", "--json"))
    assert shown["champion"] == "1"
    assert (shown["moves"][0]["actor"], shown["moves"][0]["action"]) == ("admin", "roll back")

    house.client.trigger("flights_scoring", partition_key=stage.NEXT, run_id=RUN)
    assert house.client.wait_for_run("flights_scoring", RUN, timeout=120).succeeded
    page = admin.to(f"nights/flights/{stage.NEXT}")
    expect(page.locator(".headline")).to_contain_text("model version 1")


def test_a_run_leads_to_its_night_and_a_task_to_its_key(admin: Visit) -> None:
    run = f"{admin.house.url}/dags/flights_scoring/runs/{RUN}"
    if not any(one.run_id == RUN for one in admin.house.client.dag_runs("flights_scoring")):
        pytest.fail("this test comes after the one that rolls back")
    admin.page.goto(f"{run}/plugin/nightshift-night")
    frame = admin.page.frame_locator("iframe")
    expect(frame.get_by_role("heading", level=1)).to_contain_text(stage.NEXT, timeout=20_000)
    admin.page.goto(f"{run}/tasks/publish/plugin/nightshift-key")
    expect(frame.get_by_role("heading", level=1)).to_contain_text(f"publish / {stage.NEXT}", timeout=20_000)


def test_a_page_that_is_stale_moves_nothing_and_says_so(admin: Visit) -> None:
    page = admin.to("models/flights")
    page.get_by_role("button", name=re.compile("Roll back to version")).click()
    page.eval_on_selector("dialog[open] input[name=expected]", "field => field.value = '7'")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why?").fill("an old page")
    dialog.get_by_role("button", name=re.compile("Roll back")).click()
    expect(dialog.get_by_role("status")).to_contain_text("nothing was moved")
    assert champion(admin.house) == "1"


def test_an_incident_is_taken_up_and_silenced(admin: Visit) -> None:
    page = admin.to("incidents")
    first = page.get_by_role("article").first
    expect(first).to_contain_text("stopped by its checks")
    first.get_by_role("button", name="I take it up").click()
    expect(page.get_by_text("taken up by admin")).to_be_visible()
    page.wait_for_load_state("networkidle")  # the page was loaded again, and its scripts with it
    page.get_by_role("article").first.get_by_role("button", name="Silence").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why?").fill("the tower knows")
    dialog.get_by_role("button", name="Silence").click()
    expect(dialog.get_by_role("status")).to_contain_text("Nothing is told of it until")
    shown = json.loads(admin.house.nightshift("incidents", "--json"))
    [taken] = [one for one in shown if one["acknowledged_by"] == "admin"]
    assert (taken["night"], taken["silenced_until"] is not None) == (stage.STOPPED, True)


def test_everything_is_within_reach_of_the_keyboard(admin: Visit) -> None:
    page = admin.to("checks/flights")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    newest = page.get_by_role("list", name=re.compile("All nights")).get_by_role("link").last
    newest.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(":focus")).to_have_attribute("aria-label", re.compile(f"^{stage.GOOD[2]}|^{stage.REFUSED}"))
    page = admin.to("models/flights")
    opens = page.get_by_role("button", name=re.compile("^Roll back to version"))
    opens.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Why?")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(opens).to_be_focused()
