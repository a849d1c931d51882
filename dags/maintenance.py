"""# Maintenance

Every Sunday at noon: what does nobody need any more? Shard files that no version of a table has named for 30 days or that
an overtaken attempt left, reports of superseded checks, leftovers of killed writers, this worker's cache, old events of
the ledger, and what was deleted in MLflow.

It starts paused in Airflow, and **only reports**: the list is in the task's log and in its XCom. Removing cannot be undone,
so a person says so: trigger it with *Remove it* switched on, or write `apply=True` below once the lists have been right for
a while.

What readers see, what running tasks hold, quarantined rows of published nights and keys of the ledger are never removed: a
finished night stays finished.

**If it fails:** read the first red line, mend the cause, clear the task. What went before is gone, the rest goes next time.
"""

from datetime import timedelta

from nightshift import maintenance_dag

maintenance = maintenance_dag(owner="nightshift", finish_within=timedelta(hours=6), doc_md=__doc__)
