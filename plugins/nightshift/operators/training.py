"""The operators of a training: validate -> train -> evaluate -> register -> promote.

With a search: validate -> plan_trials -> trial (each) -> best -> train -> ...
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk.exceptions import AirflowSkipException

from nightshift.links import CardLink, KeyLink, ReportLink, RunLink
from nightshift.operators.base import StepOperator, partition_of
from nightshift.promises import due_within as promise_due_within

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from airflow.sdk import BaseOperatorLink, Context

    from pipelines.engine.pipeline import Pipeline
    from pipelines.engine.runtime import Runtime


class ValidateTrainingOperator(StepOperator):
    """Check the rows and labels of the nights that a model will learn from.

    Args:
        as_of: The night as of which is trained; the run's partition key by default.
        **arguments: `pipeline`, and Airflow's own.
    """

    template_fields: Sequence[str] = ("as_of",)
    operator_extra_links: Collection[BaseOperatorLink] = (ReportLink(), KeyLink())

    def __init__(self, *, as_of: str = "{{ partition_key }}", **arguments: Any) -> None:
        super().__init__(**arguments)
        self.as_of = as_of

    def step(self, runtime: Runtime, pipeline: Pipeline, context: Context) -> dict[str, Any]:
        """Return what was checked; see `pipelines.engine.steps.train`."""
        from pipelines.engine.steps.validate_training import validate_training

        checked = validate_training(runtime, pipeline, partition_of(self.as_of, self.dag_id, "night to train as of"))
        self.note(report=checked["reports"]["rows"])
        return checked


class PlanTrialsOperator(StepOperator):
    """List the trials of a pipeline's search: something to expand a `TrialOperator` over.

    Args:
        **arguments: `pipeline`, and Airflow's own.
    """

    def step(self, runtime: Runtime, pipeline: Pipeline, context: Context) -> list[dict[str, Any]]:
        """Return the trials; see `pipelines.engine.steps.search`."""
        from pipelines.engine.steps.search import plan_trials

        return plan_trials(pipeline)


class TrialOperator(StepOperator):
    """Try one set of knobs on the nights before the holdout.

    Args:
        checked: The output of a `ValidateTrainingOperator`.
        trial: One of the trials that a `PlanTrialsOperator` gave.
        **arguments: `pipeline`, and Airflow's own.
    """

    template_fields: Sequence[str] = ("checked", "trial")

    def __init__(self, *, checked: Any, trial: Any, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.checked = checked
        self.trial = trial

    def step(self, runtime: Runtime, pipeline: Pipeline, context: Context) -> dict[str, Any]:
        """Return what came out; see `pipelines.engine.steps.search`."""
        from pipelines.engine.steps.search import run_trial

        tried = run_trial(runtime, pipeline, self.checked, self.trial["number"])
        self.log.info("trial %s is %s: %s gave %s", tried["number"], tried["state"], tried["params"], tried["value"])
        if tried["words"]:
            self.log.warning("%s", tried["words"])
        return tried


class ChooseTrialOperator(StepOperator):
    """Choose the best trial of a search.

    Args:
        checked: The output of a `ValidateTrainingOperator`.
        trials: The output of the mapped `TrialOperator`.
        **arguments: `pipeline`, and Airflow's own.
    """

    template_fields: Sequence[str] = ("checked", "trials")

    def __init__(self, *, checked: Any, trials: Any, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.checked = checked
        self.trials = trials

    def step(self, runtime: Runtime, pipeline: Pipeline, context: Context) -> dict[str, Any]:
        """Return the best trial; see `pipelines.engine.steps.search`."""
        from pipelines.engine.steps.search import choose_best

        trials = [self.trials] if isinstance(self.trials, dict) else list(self.trials)
        best = choose_best(runtime, pipeline, self.checked, trials)
        self.log.info(
            "trial %s is the best: %s gave %s %s", *(best[n] for n in ("number", "params", "metric", "value"))
        )
        return best


class TrainOperator(StepOperator):
    """Fit a model on the checked nights, measure it on the newest of them, and log one MLflow run.

    Args:
        checked: The output of a `ValidateTrainingOperator`.
        best: The output of a `ChooseTrialOperator`, whose knobs are used; None to train with those that `fit` declares.
        **arguments: `pipeline`, and Airflow's own.
    """

    template_fields: Sequence[str] = ("checked", "best")
    operator_extra_links: Collection[BaseOperatorLink] = (RunLink(), KeyLink())

    def __init__(self, *, checked: Any, best: Any = None, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.checked = checked
        self.best = best

    def step(self, runtime: Runtime, pipeline: Pipeline, context: Context) -> dict[str, Any]:
        """Return the run; see `pipelines.engine.steps.train`."""
        from pipelines.engine.steps.train import train

        trained = train(runtime, pipeline, self.checked, self.best)
        return {**trained, "report": None}  # a folder of pictures; MLflow shows them


class EvaluateOperator(StepOperator):
    """Judge a trained model against the champion on the same holdout.

    Args:
        checked: The output of a `ValidateTrainingOperator`.
        trained: The output of a `TrainOperator`.
        **arguments: `pipeline`, and Airflow's own.
    """

    template_fields: Sequence[str] = ("checked", "trained")

    def __init__(self, *, checked: Any, trained: Any, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.checked = checked
        self.trained = trained

    def step(self, runtime: Runtime, pipeline: Pipeline, context: Context) -> dict[str, Any]:
        """Return the verdict; see `pipelines.engine.steps.evaluate`."""
        from pipelines.engine.steps.evaluate import evaluate

        judged = evaluate(runtime, pipeline, self.checked, self.trained)
        self.log.info("the gate is %s: %s", "open" if judged["opened"] else "closed", "; ".join(judged["reasons"]))
        return judged


class RegisterOperator(StepOperator):
    """Register a trained model once, however often the task is retried.

    Args:
        trained: The output of a `TrainOperator`.
        judged: The output of an `EvaluateOperator`.
        **arguments: `pipeline`, and Airflow's own.
    """

    template_fields: Sequence[str] = ("trained", "judged")
    operator_extra_links: Collection[BaseOperatorLink] = (CardLink(), KeyLink())

    def __init__(self, *, trained: Any, judged: Any, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.trained = trained
        self.judged = judged

    def step(self, runtime: Runtime, pipeline: Pipeline, context: Context) -> dict[str, Any]:
        """Return the version; see `pipelines.engine.steps.promote`."""
        from pipelines.engine.steps.promote import register

        return register(runtime, pipeline, self.trained, self.judged)


class ApproveOperator(ApprovalOperator):
    """Ask a person whether a version may become champion; without a worker, and only if the gate opened.

    Args:
        judged: The output of an `EvaluateOperator`.
        due_within: Promise: answered so long after its run began.
        **arguments: Those of Airflow's `ApprovalOperator`.
    """

    template_fields: Collection[str] = (*ApprovalOperator.template_fields, "judged")

    def __init__(self, *, judged: Any, due_within: timedelta | None = None, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.judged = judged
        if due_within is not None:
            promise_due_within(self, due_within)

    def execute(self, context: Context) -> Any:
        """Ask.

        Raises:
            AirflowSkipException: The gate is closed, so there is nothing to be asked.
        """
        if not self.judged["opened"]:
            raise AirflowSkipException(f"the gate is closed, so nobody is asked: {self.judged['reasons'][0]}")
        return super().execute(context)


class PromoteOperator(StepOperator):
    """Make a registered version champion if the gate opened; skipped, with the reasons, if it did not.

    Args:
        registered: The output of a `RegisterOperator`.
        judged: The output of an `EvaluateOperator`.
        **arguments: `pipeline`, and Airflow's own.
    """

    template_fields: Sequence[str] = ("registered", "judged")

    def __init__(self, *, registered: Any, judged: Any, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.registered = registered
        self.judged = judged

    def step(self, runtime: Runtime, pipeline: Pipeline, context: Context) -> dict[str, Any]:
        """Return what was promoted; see `pipelines.engine.steps.promote`.

        Raises:
            AirflowSkipException: The gate is closed; the champion stays.
        """
        from pipelines.engine.steps.promote import promote

        promoted = promote(runtime, pipeline, self.registered, self.judged, actor=f"airflow/{self.dag_id}")
        if not promoted["promoted"]:
            self.note(key=promoted["key"])
            why = f"version {promoted['version']} of {pipeline.name} does not become champion: {promoted['reasons'][0]}"
            self.log.info("%s", why)  # Airflow shows a skipped task's reason nowhere else
            raise AirflowSkipException(why)
        return promoted
