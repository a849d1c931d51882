"""# Weather

Every night: how warm will it be at each New York airport, 24 hours after each of yesterday's measurements?

* `weather_scoring` takes the night's rows from a table, checks them, and scores them with the present champion.
* `weather_training` learns from the last 120 nights every Monday, and promotes the new model if it earned it.

The data ends with 2013, so nothing runs by itself and nothing is promised: trigger a run with a partition key such as
`2013-11-19`.
Which database the rows come from says `NIGHTSHIFT_SOURCE_WEATHER`, or an Airflow connection `weather`.

**If a night fails:** read the red task's first red line, mend the cause, clear the task. Finished work is never repeated.
"""

from datetime import UTC, datetime

from nightshift import scoring_dag, training_dag
from pipelines.weather import weather

IN_NEW_YORK = {
    "timezone": "America/New_York",
    "start_date": datetime(2013, 1, 2, tzinfo=UTC),
    "end_date": datetime(2014, 1, 1, tzinfo=UTC),
    "owner": "weather-science",
    "doc_md": __doc__,
}

scoring = scoring_dag(weather, schedule="0 2 * * *", **IN_NEW_YORK)
training = training_dag(weather, schedule="0 4 * * MON", **IN_NEW_YORK)
