"""The operator that tidies up."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from nightshift.maintenance import pipelines_of
from nightshift.operators.base import hide_passwords
from nightshift.promises import due_within as promise_due_within
from nightshift.retry import ROOTS, retry_policy
from pipelines.engine.errors import UsageError
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.retention import DEFAULT_RETENTION, parse_retention

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

log = logging.getLogger(__name__)
YES_OR_NO = {"true": True, "false": False}


class TidyOperator(BaseOperator):
    """Find what nobody needs any more, and remove it if `apply` says so; what it found is its XCom, and in its log.

    Args:
        pipeline: The pipeline, or its name; None for all, and for what belongs to none of them.
        retention: How long what might still be used is kept, such as `30d` or `6w`; at least `7d`. A template.
        apply: Whether to remove it; a template, so that a DAG's parameter can say it.
        due_within: Promise: finished so long after its run began.
        **arguments: Airflow's own.
    """

    ui_color = "#eceff1"
    template_fields: Sequence[str] = ("retention", "apply")

    def __init__(
        self,
        *,
        pipeline: Pipeline | str | None = None,
        retention: str = DEFAULT_RETENTION,
        apply: bool | str = False,
        due_within: timedelta | None = None,
        **arguments: Any,
    ) -> None:
        if arguments.get("retry_policy") is None:
            arguments["retry_policy"] = retry_policy()
        super().__init__(**arguments)
        self.pipeline = pipeline.name if isinstance(pipeline, Pipeline) else pipeline
        self.retention = retention
        self.apply = apply
        if due_within is not None:
            promise_due_within(self, due_within)

    def execute(self, context: Context) -> dict[str, Any]:
        """Tidy up; see `pipelines.engine.tidy`."""
        from nightshift.connections import open_doors
        from pipelines.engine.settings import read_settings
        from pipelines.engine.tidy import tidy

        settings = read_settings()
        hide_passwords(settings)
        try:
            days, apply = parse_retention(self.retention), yes_or_no(self.apply)
            pipelines = pipelines_of(self.pipeline)
            everything = self.pipeline is None
            report = tidy(
                open_doors(settings), pipelines, retention_days=days, everything=everything, dry_run=not apply
            )
        except ROOTS as error:
            log.error("%s", error)  # the sentence first; Airflow adds the traceback below it
            raise
        self._say(report)
        return report

    def _say(self, report: dict[str, Any]) -> None:
        for row in report["found"]:
            log.info("%(kind)s of %(what)s: %(count)s, %(bytes)s bytes, %(reason)s; the oldest of %(oldest)s", row)
        for note in report["notes"]:
            log.info("%s", note)
        done = "may go; nothing was removed (apply is off)" if report["dry_run"] else "were removed"
        log.info("%s bytes %s", f"{report['bytes']:,}", done)


def yes_or_no(value: bool | str) -> bool:
    """Return what a rendered parameter means.

    Raises:
        UsageError: It is neither yes nor no; nothing is removed on a guess.
    """
    meant = YES_OR_NO.get(str(value).strip().lower())
    if meant is None:
        raise UsageError(f"apply is {str(value)[:40]!r}; expected True or False. Nothing was removed.")
    return meant
