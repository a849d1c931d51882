"""The suites of the two small examples: real rows pass, planted faults are found."""

import numpy as np
import pandas as pd
import pytest

from data_checks import SuiteContext, run_suite
from tests.data_checks.faults import Fault, assert_found, put

HOURS = 24
WEATHER = pd.DataFrame(
    {
        "measurement_id": [f"{airport}-{hour}" for airport in ("EWR", "JFK", "LGA") for hour in range(HOURS)],
        "airport": np.repeat(["EWR", "JFK", "LGA"], HOURS),
        "hour": np.tile(np.arange(HOURS), 3),
        "temperature_f": np.linspace(20.0, 90.0, 3 * HOURS),
        "humidity_percent": 50.0,
        "wind_speed_mph": 10.0,
    }
)
NEXT_DAYS = pd.DataFrame({"measurement_id": ["a", "b"], "next_day_f": [40.0, 50.0]})
DIGITS = pd.DataFrame(
    {
        "digit_id": [f"d{number}" for number in range(30)],
        **{f"pixel_{pixel:02}": np.arange(30) % 17 for pixel in range(64)},
    }
)
LABELS = pd.DataFrame({"digit_id": [f"d{number}" for number in range(30)], "digit": np.arange(30) % 10})
CLEAN = {"weather_rows": WEATHER, "weather_labels": NEXT_DAYS, "digits_rows": DIGITS, "digits_labels": LABELS}
FAULTS = [
    ("weather_rows", Fault("measured twice", lambda f: pd.concat([f, f[:1]]), ("measurement_id is unique",))),
    ("weather_rows", Fault("another airport", put("airport", "BOS"), ("airports are known",))),
    ("weather_rows", Fault("a 25th hour", put("hour", 24), ("hour is an hour",))),
    ("weather_rows", Fault("no temperature", put("temperature_f", None), ("a temperature was measured",), "warned")),
    ("weather_rows", Fault("a furnace", put("temperature_f", 900.0), ("temperature_f is possible",), "warned")),
    ("weather_rows", Fault("half a day", lambda f: f[:30], ("half of the hours were measured",), "warned")),
    ("weather_labels", Fault("no label", put("next_day_f", None), ("there is a temperature",))),
    ("weather_labels", Fault("a furnace", put("next_day_f", 900.0), ("the temperature is possible",), "warned")),
    (
        "digits_rows",
        Fault("a pixel of ink alone", put("pixel_07", 99), ("pixel_07 is a shade from 0 to 16",), "warned"),
    ),
    ("digits_rows", Fault("nearly none", lambda f: f[:2], ("there are digits",))),
    ("digits_labels", Fault("a letter", put("digit", 11), ("digit is 0 to 9",))),
    ("digits_labels", Fault("all nines", put("digit", 9, slice(None)), ("digits are mixed",), "warned")),
]


def judged(suite, frame, ids):
    return run_suite(suite, frame, SuiteContext("2013-11-19", nights=1, id_columns=ids))


def ids_of(suite):
    return ("measurement_id",) if suite.startswith("weather") else ("digit_id",)


@pytest.mark.parametrize("suite", CLEAN)
def test_clean_rows_pass(suite):
    assert judged(suite, CLEAN[suite], ids_of(suite)).status == "passed"


@pytest.mark.parametrize(("suite", "fault"), FAULTS, ids=[f"{suite}: {fault}" for suite, fault in FAULTS])
def test_fault_is_found(suite, fault):
    frame = fault.plant(CLEAN[suite]).reset_index(drop=True)
    assert_found(judged(suite, frame, ids_of(suite)), fault)
