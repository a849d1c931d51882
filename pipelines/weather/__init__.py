"""Weather: how warm will it be at each New York airport, hour by hour, a day after the last measurement?

The example of a number that is learned (`kind="regression"`), and of rows that come from a table of a database.
"""

from typing import Any

from pipelines.engine.pipeline import Checks, Gate, Labels, Pipeline, Rows, Window
from pipelines.engine.sql_table import SqlTable
from pipelines.weather.data import prepare

MEASURED = ("temperature_f", "dew_point_f", "humidity_percent", "wind_speed_mph", "pressure_mb", "visibility_mi")


def fit(features: Any, target: Any, *, trees: int = 120, num_leaves: int = 15, learning_rate: float = 0.05) -> Any:
    """Fit boosted trees to the temperatures; heavy libraries are imported here, where they are used."""
    import lightgbm

    knobs = {"objective": "regression", "num_leaves": num_leaves, "learning_rate": learning_rate, "verbosity": -1}
    return lightgbm.train(
        {**knobs, "min_data_in_leaf": 50, "seed": 7, "deterministic": True, "force_row_wise": True, "num_threads": 2},
        lightgbm.Dataset(features, target),
        num_boost_round=trees,
    )


weather = Pipeline(
    name="weather",
    kind="regression",
    question="How warm will it be at each New York airport, 24 hours after each of yesterday's measurements?",
    prepare=prepare,
    rows=Rows(
        columns={
            "measurement_id": "string",
            "measured_at": "timestamp",
            "airport": "string",
            "hour": "int64",
            **dict.fromkeys(MEASURED, "double"),
        },
        source=SqlTable(table="measurements", night="night", connection="weather"),
    ),
    labels=Labels(
        columns={"measurement_id": "string", "next_day_f": "double"},
        target="next_day_f",
        source=SqlTable(table="next_days", night="night", connection="weather"),
    ),
    id_columns=["measurement_id"],
    features=["airport", "hour", *MEASURED],
    fit=fit,
    checks=Checks(rows="weather_rows", labels="weather_labels", refuse_at_most=0.1),
    window=Window(nights=120, holdout=21),
    gate=Gate(metric="rmse", threshold=12.0, tolerance=0.25),
    slices=["airport"],
)
