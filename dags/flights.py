"""# Flights

Every night: how likely is each of tomorrow's flights out of New York to land at least 15 minutes late, or not at all?

* `flights_scoring` scores the night's flights at 02:00 New York time with the present champion.
* `flights_training` learns from the last 240 nights every Monday, and promotes the new model if it earned it.

The data ends with 2013, so nothing runs by itself: trigger a run with a partition key such as `2013-11-19`, ask for several
nights with `airflow backfill create`, or let the year happen again with `nightshift up --live`.

**If a night fails:** read the red task's first red line, mend the cause, clear the task. Finished work is never repeated.
"""

from datetime import UTC, datetime, timedelta

from nightshift import scoring_dag, training_dag
from pipelines.flights import flights

IN_NEW_YORK = {
    "timezone": "America/New_York",
    "start_date": datetime(2013, 1, 1, tzinfo=UTC),
    "end_date": datetime(2014, 1, 1, tzinfo=UTC),
    "owner": "flight-science",
    "doc_md": __doc__,
}

scoring = scoring_dag(flights, schedule="0 2 * * *", finish_by="06:00", fresh_within=timedelta(hours=26), **IN_NEW_YORK)
training = training_dag(flights, schedule="0 4 * * MON", finish_within=timedelta(hours=2), **IN_NEW_YORK)
