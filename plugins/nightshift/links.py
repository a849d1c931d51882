"""Links on a task instance: the report, the MLflow run, the job in a cloud, and the history of the key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

REPORTS = ("report", "night_report", "card")
"""Names of report files in the results of steps."""


class ReportLink(BaseOperatorLink):
    """The check report of the rows that this task looked at."""

    name = "Check report"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the report's page, or nothing before there is one."""
        return _target(operator, "report")


class NightReportLink(BaseOperatorLink):
    """Everything about the night that this task monitored, on one page."""

    name = "Night report"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the report's page, or nothing where none could be written."""
        return _target(operator, "night_report")


class CardLink(BaseOperatorLink):
    """What the version that this task registered is for, learned and proved."""

    name = "Model card"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the card's page, or nothing where none could be written."""
        return _target(operator, "card")


class RunLink(BaseOperatorLink):
    """The MLflow run or version that this task made."""

    name = "MLflow"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return MLflow's page, or nothing where no MLflow server is known."""
        return _target(operator, "run")


class JobLink(BaseOperatorLink):
    """The training job in a cloud that this task waits for, or waited for."""

    name = "Training job"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the page of the cloud's console, or nothing before there is a job."""
        return _target(operator, "job")


class KeyLink(BaseOperatorLink):
    """What happened to this task's key: claims, takeovers, results."""

    name = "Task key"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the key's page, or nothing before it was claimed."""
        return _target(operator, "key")


LINKS: tuple[type[BaseOperatorLink], ...] = (ReportLink, NightReportLink, CardLink, RunLink, JobLink, KeyLink)


def _target(operator: BaseOperator, name: str) -> str:
    """Airflow asks in the worker, when the task has ended; the operator has noted by then where its things are."""
    targets: dict[str, str] = getattr(operator, "link_targets", {})
    return targets.get(name, "")
