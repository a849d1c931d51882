"""The night report: everything about one night on one page, for whoever reads it later. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.engine.ledger.values import iso
from pipelines.engine.reports.charts import histogram, time_bars
from pipelines.engine.reports.page import render
from pipelines.engine.views.headline import headline
from pipelines.engine.views.models import VersionView
from pipelines.engine.views.night import NightView
from pipelines.engine.views.quarantine import RefusedRows

SHARDS_SHOWN = 20
KEYS_SHOWN = 40


@dataclass(frozen=True)
class NightReport:
    """What a night report tells.

    Attributes:
        view: The night.
        question: What the pipeline answers; empty where it is not declared any more.
        model: The version that scored; None before that, and where the ledger knows no such version.
        refused: The refused rows; None if there are none, or they cannot be read.
        notes: What could not be found out for the report, in words.
        written_at: Seconds since 1970, by the ledger's clock.
        written_by: Who wrote it, such as `monitor, key 3f9a1c0d2b44, fence 1`.
        links: By name (`checks`, `card`): the way to another report from where this one lies, None if there is none.
    """

    view: NightView
    question: str
    model: VersionView | None
    refused: RefusedRows | None
    notes: Sequence[str]
    written_at: float
    written_by: str
    links: Mapping[str, str | None]


def night_report(report: NightReport) -> str:
    """Return the report as one HTML page that needs nothing else."""
    view = report.view
    return render(
        "night_report.html.j2",
        report=report,
        view=view,
        cell=view.cell,
        headline=headline(view),
        bars=time_bars(view.steps),
        chart=histogram(view.distribution),
        shards=view.shards[:SHARDS_SHOWN],
        keys=view.keys[:KEYS_SHOWN],
        written_at=iso(report.written_at),
    )
