"""What do steps do, how long do they take, and what do they cost?"""

from nightshift.dashboards.values import GREEN, ORANGE, PIPELINE, RED, STEP, Chart, Dashboard, Query, stat

_MINE = 'pipeline=~"$pipeline", step=~"$step"'

STEPS = Dashboard(
    uid="nightshift-steps",
    title="Steps",
    said="What do steps do, how long do they take, and what do they cost? Told by the steps themselves.",
    variables=(PIPELINE, STEP),
    charts=(
        stat(
            "Steps done",
            "Runs of steps that did their work, since the collector was started.",
            f'sum(airflow_nightshift_step_finished{{{_MINE}, outcome="done"}})',
            "after a night",
        ),
        stat(
            "Found done already",
            "Runs that found their work done before and returned what came out: retries, backfills, second schedulers.",
            f'sum(airflow_nightshift_step_finished{{{_MINE}, outcome="replayed"}}) or vector(0)',
            "always",
        ),
        stat(
            "Failed within an hour",
            "Tries that failed; each is tried again. More than two of one step: runbook steps-fail.",
            f'sum(nightshift:steps_finished:increase1h{{{_MINE}, outcome="failed"}}) or vector(0)',
            "always",
            thresholds=((None, GREEN), (1.0, ORANGE), (3.0, RED)),
        ),
        stat(
            "Overtaken within a day",
            "Attempts that lost their key to a newer one, and published nothing. Many of them: runbook fences-lost.",
            'sum(nightshift:fences_lost:increase1d{pipeline=~"$pipeline"}) or vector(0)',
            "always",
            thresholds=((None, GREEN), (1.0, ORANGE), (3.0, RED)),
        ),
        Chart(
            "Steps that finished, by outcome",
            "In the last hour, at each moment. `refused` means that the rows or labels are wrong, and no retry mends it.",
            (Query(f"sum by (outcome) (nightshift:steps_finished:increase1h{{{_MINE}}})", "{{outcome}}"),),
            "after a night",
            shape="bars",
        ),
        Chart(
            "All outcomes, by step",
            "Since the collector was started.",
            (
                Query(
                    f"sum by (pipeline, step, outcome) (airflow_nightshift_step_finished{{{_MINE}}})",
                    "{{pipeline}} {{step}} {{outcome}}",
                ),
            ),
            "after a night",
            shape="table",
        ),
        Chart(
            "Seconds for each run of a step",
            "Mean of the runs in the last hour that did work. What grows here comes closer to the promise.",
            (
                Query(
                    f"nightshift:step_seconds:increase1h{{{_MINE}}} / (nightshift:step_times:increase1h{{{_MINE}}} > 0)",
                    "{{pipeline}} {{step}}",
                ),
            ),
            "after a night",
            unit="s",
        ),
        Chart(
            "Mean seconds, by step",
            "Of all runs since the collector was started.",
            (
                Query(
                    f"sum by (pipeline, step) (airflow_nightshift_step_seconds_sum{{{_MINE}}})"
                    f" / sum by (pipeline, step) (airflow_nightshift_step_seconds_count{{{_MINE}}})",
                    "{{pipeline}} {{step}}",
                ),
            ),
            "after a night",
            shape="gauge",
            unit="s",
        ),
        Chart(
            "CPU seconds within an hour",
            "Of the steps' own processes and their children; Airflow's overhead is not in it, nor what a cluster spends.",
            (
                Query(
                    f"sum by (pipeline, step) (nightshift:step_cpu_seconds:increase1h{{{_MINE}}})",
                    "{{pipeline}} {{step}}",
                ),
            ),
            "after a night",
            shape="bars",
            unit="s",
        ),
        Chart(
            "CPU seconds of the newest night",
            "All its keys, counted in the ledger. Twice the week before is marked by NightshiftCostJump.",
            (
                Query('max by (pipeline) (nightshift_night_cpu_seconds{pipeline=~"$pipeline"})', "{{pipeline}}"),
                Query(
                    'nightshift:night_cpu_seconds:week_before{pipeline=~"$pipeline"}',
                    "{{pipeline}}, week before",
                    "after days",
                ),
            ),
            "after a night",
            unit="s",
        ),
        Chart(
            "Rows within an hour",
            "By step: what `validate` takes in is quarantined or taken in by `score`; what it scores is published.",
            (Query(f"sum by (step, kind) (nightshift:rows:increase1h{{{_MINE}}})", "{{step}} {{kind}}"),),
            "after a night",
        ),
        Chart(
            "Rows scored in a second",
            "While a score step runs; its time includes loading the model and reading rows.",
            (
                Query(
                    'sum by (pipeline) (airflow_nightshift_rows{pipeline=~"$pipeline", step="score", kind="scored"})'
                    ' / sum by (pipeline) (airflow_nightshift_step_seconds_sum{pipeline=~"$pipeline", step="score"})',
                    "{{pipeline}}",
                ),
            ),
            "after a night",
            unit="rowsps",
        ),
        Chart(
            "Bytes read and written within an hour",
            "Files on the workers' machines: rows, models, shards.",
            (Query(f"sum by (direction) (nightshift:bytes:increase1h{{{_MINE}}})", "{{direction}}"),),
            "after a night",
            unit="bytes",
        ),
        Chart(
            "Cache hits",
            "Share of models, copies of files and compiled trees that were there already. A cold cache costs time, and nothing else.",
            (
                Query(
                    'sum by (cache) (airflow_nightshift_cache{pipeline=~"$pipeline", result="hit"})'
                    ' / sum by (cache) (airflow_nightshift_cache{pipeline=~"$pipeline"})',
                    "{{cache}}",
                ),
            ),
            "after days",
            unit="percentunit",
        ),
    ),
)
