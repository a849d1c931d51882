"""The nights of the flights, in task processes that a drill can aim.

The sandbox's Airflow reads a copy of this file. Nothing else in its processes knows of the drill.
"""

import os
from datetime import UTC, datetime, timedelta

from nightshift import scoring_dag
from nightshift.drill import orders
from pipelines.flights import flights

orders.follow(os.environ)

scoring = scoring_dag(
    flights,
    schedule="0 2 * * *",
    timezone="America/New_York",
    owner="drill",
    start_date=datetime(2013, 1, 1, tzinfo=UTC),
    end_date=datetime(2014, 1, 1, tzinfo=UTC),
    default_args={"retry_delay": timedelta(seconds=2)},  # the factory's twenty would only make the drill longer
)
