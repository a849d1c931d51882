"""Which models score, how good were they, and is it time for another?"""

from nightshift.dashboards.values import GREEN, ORANGE, PIPELINE, RED, Chart, Dashboard, Query, stat

_MINE = 'pipeline=~"$pipeline"'
_TRAINING = f'{_MINE}, step=~"validate_training|train|trial|best|evaluate|register|compile|promote|move"'

MODELS = Dashboard(
    uid="nightshift-models",
    title="Models",
    said="Which models score, how good were they, and is it time for another?",
    variables=(PIPELINE,),
    span="now-30d",
    charts=(
        stat(
            "Champion",
            "The version that scores. `nightshift models` has its story; one command rolls it back.",
            f"max by (pipeline) (nightshift_champion_version{{{_MINE}}})",
            "after a training",
            legend="{{pipeline}}",
            unit="none",
            width=8,
        ),
        stat(
            "Age of the champion",
            "Since it was promoted. An old champion is no fault; beside drift it is a reason to train.",
            f"max by (pipeline) (nightshift_champion_age_seconds{{{_MINE}}})",
            "after a training",
            legend="{{pipeline}}",
            unit="s",
            thresholds=((None, GREEN), (2592000.0, ORANGE), (7776000.0, RED)),
            width=8,
        ),
        stat(
            "Drift of the newest night",
            "Population stability index of the feature furthest from training: 0.1 is some drift, 0.25 is much (runbook drift).",
            f"max by (pipeline) (nightshift_drift{{{_MINE}}})",
            "after a night",
            legend="{{pipeline}}",
            unit="none",
            thresholds=((None, GREEN), (0.1, ORANGE), (0.25, RED)),
            width=8,
        ),
        Chart(
            "Champions over time",
            "A step upwards is a promotion, one downwards a rollback.",
            (Query(f"max by (pipeline) (nightshift_champion_version{{{_MINE}}})", "{{pipeline}}"),),
            "after a training",
            unit="none",
        ),
        Chart(
            "What the champion reached",
            "On the holdout of its training, by metric. It changes with the champion alone.",
            (Query(f"max by (pipeline, metric) (nightshift_champion_metric{{{_MINE}}})", "{{pipeline}} {{metric}}"),),
            "after a training",
            unit="none",
        ),
        Chart(
            "Drift over time",
            "The largest index of each night. What rises for weeks is the world; what jumps is a delivery.",
            (Query(f"max by (pipeline) (nightshift_drift{{{_MINE}}})", "{{pipeline}}"),),
            "after a night",
            unit="none",
            thresholds=((None, GREEN), (0.1, ORANGE), (0.25, RED)),
        ),
        Chart(
            "Steps of trainings, by outcome",
            "Since the collector was started. A gate that refuses is no failure: it says so in `nightshift models`.",
            (
                Query(
                    f"sum by (pipeline, step, outcome) (airflow_nightshift_step_finished{{{_TRAINING}}})",
                    "{{pipeline}} {{step}} {{outcome}}",
                ),
            ),
            "after a training",
            shape="table",
        ),
        Chart(
            "Mean seconds of a training's steps",
            "Of all runs since the collector was started.",
            (
                Query(
                    f"sum by (pipeline, step) (airflow_nightshift_step_seconds_sum{{{_TRAINING}}})"
                    f" / sum by (pipeline, step) (airflow_nightshift_step_seconds_count{{{_TRAINING}}})",
                    "{{pipeline}} {{step}}",
                ),
            ),
            "after a training",
            shape="gauge",
            unit="s",
        ),
        Chart(
            "CPU seconds of a training's steps",
            "Since the collector was started.",
            (
                Query(
                    f"sum by (pipeline, step) (airflow_nightshift_step_cpu_seconds{{{_TRAINING}}})",
                    "{{pipeline}} {{step}}",
                ),
            ),
            "after a training",
            shape="gauge",
            unit="s",
        ),
    ),
)
