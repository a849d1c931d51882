"""What all operators share: open the doors, run one step, wait for a busy key by deferring."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from airflow.sdk import BaseOperator

from model_registry.addresses import passwords_of
from model_registry.credentials import as_uri
from nightshift.addresses import PREFIX
from nightshift.links import REPORTS, KeyLink
from nightshift.promises import due_within as promise_due_within
from nightshift.retry import ROOTS, retry_policy
from nightshift.triggers import KeyFreeTrigger
from pipelines.engine.catalog import load_pipeline
from pipelines.engine.errors import KeyBusy, PathRefused, UnknownNight
from pipelines.engine.paths import inside
from pipelines.engine.pipeline import Pipeline

if TYPE_CHECKING:
    from airflow.sdk import BaseOperatorLink, Context

    from pipelines.engine.runtime import Runtime
    from pipelines.engine.settings import Settings

log = logging.getLogger(__name__)


class StepOperator(BaseOperator):
    """One step of a pipeline, under its task key.

    Running it twice does the work once: the second time it answers with what the first one recorded. While somebody
    else works under the same key it defers, and goes on when the key is free.

    Args:
        pipeline: The pipeline, or its name.
        due_within: Promise: finished so long after its run began.
        **arguments: Airflow's own, such as `retries`; failures that cannot pass by themselves are not retried.
    """

    ui_color = "#dfe7f5"
    template_fields: Sequence[str] = ()
    operator_extra_links: Collection[BaseOperatorLink] = (KeyLink(),)

    def __init__(self, *, pipeline: Pipeline | str, due_within: timedelta | None = None, **arguments: Any) -> None:
        # A mapped task is made with every argument, and None where none was given.
        if arguments.get("retry_policy") is None:
            arguments["retry_policy"] = retry_policy()
        super().__init__(**arguments)
        self.pipeline = pipeline.name if isinstance(pipeline, Pipeline) else pipeline
        self.link_targets: dict[str, str] = {}
        if due_within is not None:
            promise_due_within(self, due_within)

    @abstractmethod
    def step(self, runtime: Runtime, pipeline: Pipeline, context: Context) -> Any:
        """Run the step, and return its result as small JSON."""

    def execute(self, context: Context) -> Any:
        """Run the step once; Airflow keeps what it returns as XCom."""
        from nightshift.telemetry.airflow import AirflowTelemetry
        from pipelines.engine.settings import read_settings
        from pipelines.engine.telemetry.seam import fields, told_to

        settings = read_settings()
        hide_passwords(settings)
        night = context.get("partition_key")
        with told_to(AirflowTelemetry()), fields(pipeline=self.pipeline, **({"night": night} if night else {})):
            result = self._run(settings, context)
            self.after(result)
        return result

    def _run(self, settings: Settings, context: Context) -> Any:
        from nightshift.connections import open_doors
        from nightshift.live.slowness import made_slow
        from pipelines.engine.telemetry.seam import fields

        try:
            with made_slow(settings, self.pipeline, context.get("partition_key"), self.task_id):
                return self.step(open_doors(settings), load_pipeline(self.pipeline), context)
        except KeyBusy as busy:
            log.info("%s. Waiting without a worker.", busy)
            self.defer(trigger=KeyFreeTrigger(busy.key), method_name="resume")
        except ROOTS as error:
            key = getattr(error, "key", None)
            with fields(**({"key": key} if key else {})):
                log.error("%s", error)  # the sentence first; Airflow adds the traceback below it
            self.note(report=getattr(error, "report", None), key=key)
            raise

    def resume(self, context: Context, event: dict[str, Any] | None = None) -> Any:
        """Go on after the key became free: its holder finished, failed, or lost it."""
        return self.execute(context)

    def after(self, result: Any) -> None:
        """Note what the links on the task instance point to."""
        if isinstance(result, dict):
            files = {name: result.get(name) for name in REPORTS}
            self.note(run=result.get("url"), key=result.get("key"), **files)

    def note(self, *, run: str | None = None, key: str | None = None, **files: object) -> None:
        """Keep link targets: an MLflow page, a key's digest, and report files, named as in `REPORTS`.

        What they are made of comes from the ledger; what is no report, page or digest gets no link.
        """
        from pipelines.engine.settings import read_settings

        for name, file in files.items():
            with suppress(PathRefused):
                if file:
                    path = inside(read_settings().reports, str(file))
                    self.link_targets[name] = f"{PREFIX}/reports/{quote(path)}"
        if run and urlsplit(run).scheme in ("http", "https"):
            self.link_targets["run"] = run
        if key:
            self.link_targets["key"] = f"{PREFIX}/keys/{quote(key, safe='')}"


def hide_passwords(settings: Settings) -> None:
    """Let Airflow strike out the passwords in whatever a task prints; our own messages never hold them, a library's may."""
    from airflow.sdk.log import mask_secret

    login = as_uri(settings.tracking_credentials)
    for uri in (settings.ledger_url, settings.tracking_uri, *login):
        for password in passwords_of(uri):
            mask_secret(password)


def partition_of(value: str | None, dag_id: str, word: str = "night") -> str:
    """Return the partition key of a run.

    Raises:
        UnknownNight: The run has none, as when it was triggered by hand without one.
    """
    if value in (None, "", "None"):
        raise UnknownNight(
            f"this run of {dag_id} has no partition key, so there is no {word} to work on. "
            "Trigger it again with one: in the UI under Trigger, Advanced Options, Partition Key, such as 2013-11-19."
        )
    return str(value)
