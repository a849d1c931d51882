"""# Digits

Every night: which digit is each handwritten one that came in?

* `digits_scoring` checks the night's digits, and scores them with the present champion.
* `digits_training` learns from the last 45 nights every Monday, and promotes the new model if it earned it.

The data has 60 nights from 2026-01-01, so nothing runs by itself and nothing is promised: trigger a run with a partition key
such as `2026-02-20`.

**If a night fails:** read the red task's first red line, mend the cause, clear the task. Finished work is never repeated.
"""

from datetime import UTC, datetime

from nightshift import scoring_dag, training_dag
from pipelines.digits import digits

SIXTY_NIGHTS = {
    "start_date": datetime(2026, 1, 1, tzinfo=UTC),
    "end_date": datetime(2026, 3, 2, tzinfo=UTC),
    "owner": "digit-science",
    "doc_md": __doc__,
}

scoring = scoring_dag(digits, schedule="0 2 * * *", **SIXTY_NIGHTS)
training = training_dag(digits, schedule="0 4 * * MON", **SIXTY_NIGHTS)
