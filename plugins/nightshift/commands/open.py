"""`nightshift open`: the page about something, in Airflow or MLflow."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from nightshift.commands.completing import complete_opened
from nightshift.commands.show import OneOf, json_option, on_terminal, print_json

if TYPE_CHECKING:
    from pipelines.engine.settings import Settings

PAGES = ("nights", "night", "models", "checks", "incidents", "key", "mlflow")
FORMS = {
    "nights": "nights [PIPELINE]",
    "night": "night PIPELINE NIGHT|last|yesterday",
    "models": "models [PIPELINE]",
    "checks": "checks [PIPELINE]",
    "incidents": "incidents [ID]",
    "key": "key KEY",
    "mlflow": "mlflow [PIPELINE]",
}
WORDS = {
    "nights": (0, 1),
    "night": (2,),
    "models": (0, 1),
    "checks": (0, 1),
    "incidents": (0, 1),
    "key": (1,),
    "mlflow": (0, 1),
}


@dataclass(frozen=True)
class Opened:
    """A page.

    Attributes:
        url: Its address.
        opened: Whether a browser was asked to show it.
    """

    url: str
    opened: bool


@click.command("open", short_help="Print the address of a page, and open it in a browser.")
@click.argument("page", type=OneOf(PAGES), default="nights", metavar="PAGE")
@click.argument("about", nargs=-1, shell_complete=complete_opened)
@click.option(
    "--browser/--no-browser", default=None, help="Whether to open it; on a terminal it is, where there is a browser."
)
@json_option
def open_page(page: str, about: tuple[str, ...], browser: bool | None, as_json: bool) -> None:
    """Print the address of a page about something, and open it in a browser where there is one.

    The address begins with NIGHTSHIFT_AIRFLOW_UI or Airflow's own base URL; without them it is that of the Airflow that
    `nightshift up` started.

    \b
    Pages:     nights [PIPELINE]      night PIPELINE NIGHT     models [PIPELINE]    checks [PIPELINE]
               incidents [ID]         key KEY                  mlflow [PIPELINE]
    Examples:  nightshift open
               nightshift open night flights last
               nightshift open key 3f9a1c0d2b44
               curl "$(nightshift open models flights)"
    """
    from pipelines.engine.settings import read_settings

    if len(about) not in WORDS[page]:
        raise click.UsageError(f"expected: nightshift open {FORMS[page]}")
    settings = read_settings()
    url = _mlflow(settings, about) if page == "mlflow" else _page(settings, page, about)
    wanted = on_terminal() if browser is None else browser
    opened = wanted and _open(url)
    if as_json:
        print_json(Opened(url, opened))
        return
    click.echo(url)
    if browser and not opened:
        click.echo("No browser could be opened here; the address above works in any.", err=True)


def _page(settings: Settings, page: str, about: tuple[str, ...]) -> str:
    from nightshift.addresses import page_address

    base = _airflow(settings)
    if page == "nights" and not about:
        return page_address(base)
    if page == "night":
        return page_address(base, "nights", about[0], _night(settings, *about))
    if page == "key":
        return page_address(base, "keys", _digest(about[0]))
    if page == "incidents":
        return page_address(base, page, *(_incident(settings, one) for one in about))
    for pipeline in about:
        _check_known(pipeline)
    return page_address(base, page, *about)


def _airflow(settings: Settings) -> str:
    """Return the address of Airflow's pages.

    Raises:
        UsageError: Nobody said it, and none runs here.
    """
    from nightshift.embedded.background import running
    from pipelines.engine.errors import UsageError
    from pipelines.engine.settings import REPOSITORY

    if settings.airflow_ui:
        return settings.airflow_ui
    here = running(settings.home, REPOSITORY)
    if here is None:
        raise UsageError(
            "no Airflow runs here, and nobody said where another one is. Start one: nightshift up. Or set "
            "NIGHTSHIFT_AIRFLOW_UI to the address of its pages."
        )
    return here.url


def _night(settings: Settings, pipeline: str, night: str) -> str:
    from nightshift.commands.house import one_night, open_house

    _check_known(pipeline)
    return one_night(night, pipeline, open_house(), settings)


def _check_known(pipeline: str) -> None:
    """A pipeline that is no longer declared keeps its pages, so those of the ledger count as well."""
    from nightshift.commands.house import open_house
    from pipelines.engine.catalog import pipeline_names

    if pipeline not in pipeline_names():
        open_house().strips(last=1, only=pipeline)


def _digest(beginning: str) -> str:
    from nightshift.commands.house import known_entry, open_house

    return known_entry(open_house(), beginning).key


def _incident(settings: Settings, beginning: str) -> str:
    from pipelines.engine.incidents.store import Incidents

    return Incidents(settings.ledger_url).get(beginning).id


def _mlflow(settings: Settings, about: tuple[str, ...]) -> str:
    """Return the address of MLflow's pages, or of a model's page there.

    Raises:
        UsageError: No server of MLflow is known.
    """
    from model_registry.addresses import hidden
    from pipelines.engine.errors import UsageError

    base = settings.mlflow_ui or settings.tracking_uri
    if not base.startswith(("http://", "https://")):
        raise UsageError(
            "MLflow keeps its runs in a database here, and no server shows them. Start one: mlflow server "
            f"--backend-store-uri {hidden(base, base)} --port 5000, and set NIGHTSHIFT_MLFLOW_UI=http://127.0.0.1:5000"
        )
    for pipeline in about:
        _check_known(pipeline)
    where = f"/#/models/{about[0]}" if about else ""
    return f"{hidden(base, base).rstrip('/')}{where}"


def _open(url: str) -> bool:
    """Ask a browser to show a page; no browser is no error."""
    import webbrowser

    seen = sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    if not seen:  # else a browser for terminals would take this one
        return False
    try:
        return webbrowser.open(url)
    except (webbrowser.Error, OSError):
        return False
