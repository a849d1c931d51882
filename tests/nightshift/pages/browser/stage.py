"""What the browser looks at, made in a copy of the repository: `python stage.py`, with the copy on the path.

The demonstration's flights with two versions, some good nights, one with refused rows, one that was stopped by its checks,
and two incidents. Everything goes through the steps that Airflow's tasks call.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

AS_OF = ("2013-11-01", "2013-11-15")
GOOD = ("2013-11-15", "2013-11-16", "2013-11-17")
REFUSED, STOPPED, NEXT = "2013-11-18", "2013-11-19", "2013-11-20"


def main() -> None:
    from nightshift.declarations import refresh_declarations
    from pipelines.engine.catalog import load_pipeline
    from pipelines.engine.ledger.migrate import migrate
    from pipelines.engine.ledger.observations import Observations
    from pipelines.engine.runtime import no_progress, open_runtime
    from pipelines.engine.settings import read_settings
    from pipelines.engine.steps.move import promote_by_hand
    from pipelines.engine.steps.whole import run_night, run_training

    settings = read_settings()
    migrate(settings.ledger_url)
    refresh_declarations(settings, Observations(settings.ledger_url), always=True)
    flights = load_pipeline("flights")
    assert flights.prepare is not None
    data = Path(settings.data) / "flights"
    flights.prepare(data, progress=no_progress)
    _spoil(data / "rows")
    runtime = open_runtime(settings)
    for as_of, night in zip(AS_OF, GOOD, strict=False):
        trained = run_training(runtime, flights, as_of, actor="stage")
        run_night(runtime, flights, night)
    if not trained["promoted"]:
        promote_by_hand(
            runtime, flights, trained["version"], actor="stage", reason="two versions are needed", despite_gate=True
        )
    for night in (*GOOD[len(AS_OF) :], REFUSED, STOPPED):
        with suppress(Exception):  # the last one is meant to be stopped
            run_night(runtime, flights, night)
    _open_incidents(settings)


def _spoil(rows: Path) -> None:
    import pandas as pd

    refused = pd.read_parquet(rows / f"{REFUSED}.parquet")
    refused.loc[:4, "distance_miles"] = 238_900.0
    refused.to_parquet(rows / f"{REFUSED}.parquet", index=False)
    stopped = pd.read_parquet(rows / f"{STOPPED}.parquet")
    pd.concat([stopped, stopped[:10]]).to_parquet(rows / f"{STOPPED}.parquet", index=False)


def _open_incidents(settings: Any) -> None:
    from pipelines.engine.incidents.message import Context
    from pipelines.engine.incidents.store import Incidents
    from pipelines.engine.promises.verdicts import Verdict

    dag = "flights_scoring"
    verdicts = [
        Verdict(
            f"{dag}/succeed", dag, STOPPED, "failed", "checks_failed", step="validate", reason="flight_id is not unique"
        ),
        Verdict(f"{dag}/finish_by", dag, NEXT, "at_risk", "at_risk", due_at=1_384_945_200.0, reason="rows come late"),
    ]
    Incidents(settings.ledger_url).settle(
        verdicts,
        owner_of=lambda _: "flight-science",
        routes_for=lambda _: ["paper"],
        context=lambda _: Context(),
    )


if __name__ == "__main__":
    main()
    shutil.rmtree(Path(".nightshift/cache"), ignore_errors=True)
