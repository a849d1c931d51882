"""What came in, what was refused, and does it look like before?"""

from nightshift.dashboards.values import GREEN, ORANGE, PIPELINE, RED, ZERO_IS_GOOD, Chart, Dashboard, Query, stat

_MINE = 'pipeline=~"$pipeline"'

DATA_QUALITY = Dashboard(
    uid="nightshift-data-quality",
    title="Data quality",
    said="What came in, what was refused, and does it look like before? Of the newest night of each pipeline.",
    variables=(PIPELINE,),
    span="now-14d",
    charts=(
        stat(
            "Rows of the newest night",
            "Rows that came in, before any was refused. A number unlike other nights is worth a look.",
            f'max by (pipeline) (nightshift_night_rows{{{_MINE}, kind="in"}})',
            "after a night",
            legend="{{pipeline}}",
            width=8,
        ),
        stat(
            "In quarantine",
            "Share of the newest night's rows that row-level checks refused. `nightshift quarantine` shows them by reason.",
            f"nightshift:quarantine_share:ratio{{{_MINE}}}",
            "after a night",
            legend="{{pipeline}}",
            unit="percentunit",
            thresholds=((None, GREEN), (0.01, ORANGE), (0.05, RED)),
            width=8,
        ),
        stat(
            "Expectations that failed",
            "Of the newest checked night, warnings included. A critical one stops the night: runbook checks-failed.",
            f"sum by (pipeline) (nightshift_checks_failed{{{_MINE}}})",
            "after a night",
            legend="{{pipeline}}",
            thresholds=ZERO_IS_GOOD,
            width=8,
        ),
        Chart(
            "Rows of each night",
            "In, scored and quarantined. What comes in is one of the other two; a gap would be a lost row, and there are none.",
            (
                Query(
                    f"max by (pipeline, kind) (nightshift_night_rows{{{_MINE}}})",
                    "{{pipeline}} {{kind}}",
                ),
            ),
            "after a night",
        ),
        Chart(
            "Share in quarantine, and the week before",
            "Three times the week before and above 1 % is told by NightshiftQuarantineJump.",
            (
                Query(f"nightshift:quarantine_share:ratio{{{_MINE}}}", "{{pipeline}}"),
                Query(f"nightshift:quarantine_share:week_before{{{_MINE}}}", "{{pipeline}}, week before", "after days"),
            ),
            "after a night",
            unit="percentunit",
        ),
        Chart(
            "Expectations that failed, by suite",
            "Of each newest night. Which expectations they are stands in the night's report.",
            (
                Query(
                    f"max by (pipeline, suite) (nightshift_checks_failed{{{_MINE}}})",
                    "{{pipeline}} {{suite}}",
                ),
            ),
            "after a night",
            shape="bars",
        ),
        Chart(
            "Drift",
            "Population stability index of the feature furthest from training.",
            (Query(f"max by (pipeline) (nightshift_drift{{{_MINE}}})", "{{pipeline}}"),),
            "after a night",
            unit="none",
            thresholds=((None, GREEN), (0.1, ORANGE), (0.25, RED)),
        ),
        Chart(
            "Refused nights and labels",
            "Validations that ended with `refused`, within an hour.",
            (
                Query(
                    f'sum by (pipeline, step) (nightshift:steps_finished:increase1h{{{_MINE}, outcome="refused"}})',
                    "{{pipeline}} {{step}}",
                ),
            ),
            "in trouble",
            shape="bars",
        ),
        Chart(
            "Bytes of the newest night",
            "Read and written by all its steps.",
            (
                Query(
                    f"max by (pipeline, direction) (nightshift_night_bytes{{{_MINE}}})",
                    "{{pipeline}} {{direction}}",
                ),
            ),
            "after a night",
            unit="bytes",
        ),
    ),
)
