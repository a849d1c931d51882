"""DAG factories: a pipeline's nights and trainings as ordinary Airflow DAGs.

Site defaults live here, each with its reason, so that no DAG file repeats them. Any argument of Airflow's `DAG` may be
given as well and wins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Asset, CronPartitionTimetable, CronTriggerTimetable, Param, TriggerRule

from nightshift.live.dates import live_dates
from nightshift.operators.maintenance import TidyOperator
from nightshift.operators.night import (
    MonitorOperator,
    PlanShardsOperator,
    PublishOperator,
    ScoreOperator,
    ValidateOperator,
)
from nightshift.operators.spark import ScoreOnSparkOperator
from nightshift.operators.training import (
    ApproveOperator,
    ChooseTrialOperator,
    EvaluateOperator,
    PlanTrialsOperator,
    PromoteOperator,
    RegisterOperator,
    TrainOperator,
    TrialOperator,
    ValidateTrainingOperator,
)
from nightshift.promises import keep_promises
from pipelines.engine.errors import DeclarationError
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.promises.declare import Words
from pipelines.engine.retention import DEFAULT_RETENTION, parse_retention
from pipelines.engine.scoring_engines import engine_mistake
from pipelines.engine.search import Search

if TYPE_CHECKING:
    from airflow.sdk.definitions.mappedoperator import MappedOperator

KEY_FORMAT = "%Y-%m-%d"
TASK_DEFAULTS: dict[str, Any] = {
    "retries": 3,  # a dead server is back within minutes; bad data is not retried whatever this says
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
}
DAG_DEFAULTS: dict[str, Any] = {
    "catchup": False,  # past nights are asked for with `airflow backfill`, never by surprise
    "max_active_runs": 4,  # nights are independent, but one night late should not become thirty at once
}


def predictions_asset(pipeline: Pipeline | str) -> Asset:
    """Return the asset that gets an event when a night is published; schedule downstream DAGs on it."""
    name = pipeline if isinstance(pipeline, str) else pipeline.name
    return Asset(name=f"{name}_predictions", uri=f"nightshift://{name}/predictions", group="nightshift")


def champion_asset(pipeline: Pipeline | str) -> Asset:
    """Return the asset that gets an event when a version becomes champion."""
    name = pipeline if isinstance(pipeline, str) else pipeline.name
    return Asset(name=f"{name}_champion", uri=f"nightshift://{name}/champion", group="nightshift")


def scoring_dag(
    pipeline: Pipeline,
    *,
    schedule: str,
    timezone: str = "UTC",
    owner: str,
    doc_md: str | None = None,
    finish_by: str | time | None = None,
    finish_within: timedelta | None = None,
    fresh_within: timedelta | None = None,
    due_within: Mapping[str, timedelta] | None = None,
    engine: str = "local",
    **dag: Any,
) -> DAG:
    """Make the DAG `<pipeline>_scoring`: validate -> plan -> score (each shard) -> publish -> monitor.

    Args:
        pipeline: What is scored.
        schedule: Cron expression; the local date of each tick is the night that is scored.
        timezone: Of the schedule and of `finish_by`, such as `America/New_York`.
        owner: Who answers for it.
        doc_md: Shown in the UI; by custom the DAG file's `__doc__`.
        finish_by: Promise: published by the first such time of day after the tick, such as `06:00`.
        finish_within: Promise: published so long after the run began.
        fresh_within: Promise: the newest night was published no longer ago.
        due_within: Promises of single tasks, by task id: finished so long after the run began.
        engine: Where shards are scored: `local`, each in a task of Airflow, or `spark`, where one task gives all of them to
            the cluster that the settings name.
        **dag: Any argument of Airflow's `DAG`.

    Raises:
        DeclarationError: A promise that cannot be meant, with every mistake in them; or there is no such engine.
    """
    mistake = engine_mistake(engine)
    if mistake:
        raise DeclarationError(f"{pipeline.name}_scoring: {mistake}")
    with _dag(pipeline, "scoring", schedule, timezone, owner, doc_md, dag) as made:
        validate = ValidateOperator(task_id="validate", pipeline=pipeline)
        plan = PlanShardsOperator(task_id="plan", pipeline=pipeline, checked=validate.output)
        score = _score(pipeline, plan, engine)
        publish = PublishOperator(
            task_id="publish",
            pipeline=pipeline,
            checked=validate.output,
            scored=score.output,
            outlets=[predictions_asset(pipeline)],
        )
        MonitorOperator(task_id="monitor", pipeline=pipeline, checked=validate.output, published=publish.output)
    words = Words(
        finish_by=finish_by,
        timezone=timezone,
        finish_within=finish_within,
        fresh_within=fresh_within,
        due_within=due_within or {},
    )
    return keep_promises(made, words)


def training_dag(
    pipeline: Pipeline,
    *,
    schedule: str,
    timezone: str = "UTC",
    owner: str,
    doc_md: str | None = None,
    approve: bool = False,
    finish_by: str | time | None = None,
    finish_within: timedelta | None = None,
    due_within: Mapping[str, timedelta] | None = None,
    **dag: Any,
) -> DAG:
    """Make the DAG `<pipeline>_training`: validate -> train -> evaluate -> register -> (approve) -> promote.

    A pipeline with a search has plan_trials -> trial (each) -> best before train.

    Args:
        pipeline: What is learned.
        schedule: Cron expression; the local date of each tick is the night as of which is trained.
        timezone: Of the schedule and of `finish_by`.
        owner: Who answers for it.
        doc_md: Shown in the UI; by custom the DAG file's `__doc__`.
        approve: Ask a person in the UI before a version becomes champion.
        finish_by: Promise: finished by the first such time of day after the tick.
        finish_within: Promise: finished so long after the run began.
        due_within: Promises of single tasks, by task id: finished so long after the run began.
        **dag: Any argument of Airflow's `DAG`.

    Raises:
        DeclarationError: A promise that cannot be meant, with every mistake in them.
    """
    with _dag(pipeline, "training", schedule, timezone, owner, doc_md, dag) as made:
        validate = ValidateTrainingOperator(task_id="validate", pipeline=pipeline)
        best = _search(pipeline, pipeline.search, validate) if pipeline.search else None
        train = TrainOperator(task_id="train", pipeline=pipeline, checked=validate.output, best=best)
        evaluate = EvaluateOperator(
            task_id="evaluate", pipeline=pipeline, checked=validate.output, trained=train.output
        )
        register = RegisterOperator(task_id="register", pipeline=pipeline, trained=train.output, judged=evaluate.output)
        promote = PromoteOperator(
            task_id="promote",
            pipeline=pipeline,
            registered=register.output,
            judged=evaluate.output,
            outlets=[champion_asset(pipeline)],
            trigger_rule=TriggerRule.NONE_FAILED,  # a closed gate skips the approval, and promote says why
        )
        if approve:
            register >> _approval(pipeline, evaluate) >> promote
    words = Words(finish_by=finish_by, timezone=timezone, finish_within=finish_within, due_within=due_within or {})
    return keep_promises(made, words)


def maintenance_dag(
    pipeline: Pipeline | None = None,
    *,
    schedule: str = "0 12 * * SUN",
    timezone: str = "UTC",
    owner: str,
    retention: str = DEFAULT_RETENTION,
    apply: bool = False,
    doc_md: str | None = None,
    finish_within: timedelta | None = None,
    **dag: Any,
) -> DAG:
    """Make the DAG `<pipeline>_maintenance`, or `nightshift_maintenance` for all: find what nobody needs any more.

    It only reports unless `apply` says otherwise, and is created paused: removing is the one thing in Nightshift that
    cannot be undone, and no clone of this repository should begin it by itself. Both parameters are in the trigger form.

    Args:
        pipeline: Whose rubbish; None for all pipelines, the worker's cache and all of the ledger's history.
        schedule: Cron expression; by default at noon on Sundays, when nights are over and people may look.
        timezone: Of the schedule.
        owner: Who answers for it.
        retention: How long what might still be used is kept, such as `30d` or `6w`; at least `7d`.
        apply: Whether scheduled runs remove what they find.
        doc_md: Shown in the UI; by custom the DAG file's `__doc__`.
        finish_within: Promise: finished so long after the run began.
        **dag: Any argument of Airflow's `DAG`.

    Raises:
        DeclarationError: A promise that cannot be meant.
        UsageError: The retention is none, or too short.
    """
    parse_retention(retention)
    name = pipeline.name if pipeline else "nightshift"
    tags: Sequence[str] = dag.pop("tags", ())
    defaults = {
        "start_date": datetime(2020, 1, 1, tzinfo=UTC),
        "catchup": False,
        "max_active_runs": 1,
        "is_paused_upon_creation": True,
    }
    parameters = {
        "apply": Param(apply, type="boolean", title="Remove it", description="Off: only report what may go."),
        "retention": Param(
            retention,
            type="string",
            title="Retention",
            description="Keep what is younger, such as 30d or 6w; at least 7d.",
        ),
    }
    with DAG(
        dag_id=f"{name}_maintenance",
        schedule=CronTriggerTimetable(schedule, timezone=timezone),
        description="What does nobody need any more?",
        doc_md=doc_md,
        tags=list(dict.fromkeys(["nightshift", "maintenance", name, *tags])),
        default_args={**TASK_DEFAULTS, "owner": owner, **dag.pop("default_args", {})},
        params={**parameters, **dag.pop("params", {})},
        **{**defaults, **dag},
    ) as made:
        TidyOperator(task_id="tidy", pipeline=pipeline, retention="{{ params.retention }}", apply="{{ params.apply }}")
    return keep_promises(made, Words(finish_within=finish_within))


def _score(pipeline: Pipeline, plan: PlanShardsOperator, engine: str) -> ScoreOnSparkOperator | MappedOperator:
    if engine == "spark":
        return ScoreOnSparkOperator(task_id="score", pipeline=pipeline, shards=plan.output)
    return ScoreOperator.partial(
        task_id="score",
        pipeline=pipeline.name,
        map_index_template="{{ task.shard['number'] + 1 }} of {{ task.shard['of'] }}",
    ).expand(shard=plan.output)


def _search(pipeline: Pipeline, search: Search, validate: ValidateTrainingOperator) -> Any:
    """Draw the trials of a search, and return the best one as the input of the training."""
    plan = PlanTrialsOperator(task_id="plan_trials", pipeline=pipeline)
    trial = TrialOperator.partial(
        task_id="trial",
        pipeline=pipeline.name,
        checked=validate.output,
        max_active_tis_per_dagrun=search.parallel,
        map_index_template="{{ task.trial['number'] + 1 }} of {{ task.trial['of'] }}",
    ).expand(trial=plan.output)
    validate >> plan
    return ChooseTrialOperator(task_id="best", pipeline=pipeline, checked=validate.output, trials=trial.output).output


def _approval(pipeline: Pipeline, evaluate: EvaluateOperator) -> ApproveOperator:
    return ApproveOperator(
        task_id="approve",
        judged=evaluate.output,
        subject=f"Make version {{{{ ti.xcom_pull(task_ids='register')['version'] }}}} of {pipeline.name} champion?",
        body="The gate is open:\n\n{{ ti.xcom_pull(task_ids='evaluate')['reasons'] | join('\n\n') }}",
    )


def _dag(
    pipeline: Pipeline, kind: str, schedule: str, timezone: str, owner: str, doc_md: str | None, given: dict[str, Any]
) -> DAG:
    tags: Sequence[str] = given.pop("tags", ())
    task_defaults = {**TASK_DEFAULTS, "owner": owner, **given.pop("default_args", {})}
    given.setdefault("start_date", datetime(2020, 1, 1, tzinfo=UTC))
    given.update(live_dates(pipeline, given))
    return DAG(
        dag_id=f"{pipeline.name}_{kind}",
        schedule=CronPartitionTimetable(schedule, timezone=timezone, run_offset=0, key_format=KEY_FORMAT),
        description=pipeline.question,
        doc_md=doc_md,
        tags=["nightshift", kind, pipeline.name, *tags],
        default_args=task_defaults,
        **{**DAG_DEFAULTS, **given},
    )
