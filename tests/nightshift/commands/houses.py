"""A home with everything that commands show: two versions and a refused one, good nights, refused rows, a failed night."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nightshift.cli import cli
from pipelines.engine.errors import TooManyRefused
from pipelines.engine.pipeline import Pipeline, Prepared, Rows
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import Place, known_suites, run_night, run_training

GOOD, TWICE, FAILED = tides.NIGHTS
"""A night without trouble; one that was delivered twice, the second time with refused rows; one that was refused whole."""
SEAS = set(tides.SEAS)
"""Values of the sensitive column: they must appear nowhere."""


def prepare(folder: Path, *, progress: object) -> Prepared:
    """Say what was delivered already."""
    return Prepared(9, 0, 15, rows=2700, first=tides.LABELLED[0], last=tides.NIGHTS[-1])


def declared(**changes: object) -> Pipeline:
    """The small pipeline, with a column that nobody may see."""
    columns = tides.declare().rows.columns
    return tides.declare(
        **{"rows": Rows(columns=columns, sensitive=["sea"]), "slices": [], "prepare": prepare, **changes}
    )


def spoil(place: Place, night: str, count: int) -> None:
    """Deliver a night again, with winds that cannot be."""
    rows = tides.make_rows(night)
    rows.loc[: count - 1, "wind"] = 9.0
    tides.write(rows, place.rows(night))


def live_in(place: Place) -> None:
    """Do everything that there is to be looked at."""
    assert run_training(place).promoted["promoted"]
    second = run_training(place.changed(declared(fit=tides.fit_searched)))
    assert second.promoted["promoted"], second.judged["reasons"]
    assert not run_training(place.changed(declared(fit=tides.fit_badly))).promoted["promoted"]
    run_night(place, GOOD)
    run_night(place, TWICE)
    spoil(place, TWICE, 4)
    run_night(place, TWICE)
    spoil(place, FAILED, 200)
    with pytest.raises(TooManyRefused):
        run_night(place, FAILED)


def lived_in(fresh_home: Place, folder: Path) -> Place:
    """Return a home that was lived in; to be copied and never used."""
    with known_suites():
        place = dataclasses.replace(fresh_home.copied_to(folder), pipeline=declared())
        live_in(place)
        return place


ASK_THE_CATALOG = (
    "pipelines.engine.catalog",
    "pipelines.engine.views.house",
    "nightshift.maintenance",
    "nightshift.doctor.examine",
    "nightshift.readiness.gather",
)
"""Modules that hold its functions by name; another test of the same process may have imported them before."""


def enter(place: Place, patch: pytest.MonkeyPatch, *pipelines: Pipeline) -> Callable[..., Result]:
    """Let the command line see a place, and return what runs it."""
    known = {pipeline.name: pipeline for pipeline in pipelines or (place.pipeline,)}
    for name in [name for name in os.environ if name.startswith(("NIGHTSHIFT_", "NO_COLOR", "AIRFLOW__API"))]:
        patch.delenv(name)
    patch.setenv("NIGHTSHIFT_HOME", str(place.home))
    patch.setenv("NIGHTSHIFT_COMPILE", "0")
    for module in ASK_THE_CATALOG:
        patch.setattr(f"{module}.pipeline_names", lambda: sorted(known), raising=False)
        patch.setattr(f"{module}.load_pipeline", _load(known), raising=False)

    def nightshift(*words: str, code: int = 0, answer: str | None = None) -> Result:
        result = CliRunner().invoke(cli, words, input=answer)
        assert result.exit_code == code, (result.output, result.exception)
        assert "Traceback" not in result.output
        return result

    return nightshift


def _load(known: dict[str, Pipeline]) -> Callable[[str], Pipeline]:
    from pipelines.engine.errors import UnknownPipeline, nearest

    def load(name: str) -> Pipeline:
        if name not in known:
            raise UnknownPipeline(f"no pipeline {name!r}; there are: {', '.join(known)}.{nearest(name, known)}")
        return known[name]

    return load
