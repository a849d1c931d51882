"""Flights: how likely is each of tomorrow's flights out of New York to land 15 minutes late?

This folder is the example to copy: `data.py` makes the rows and labels, `model.py` learns, `live.py` says how the
past is replayed as if it were now (few pipelines have that), and this file says the rest.
"""

from pipelines.engine.pipeline import Checks, Gate, Labels, Pipeline, Rows, Window
from pipelines.flights.data import prepare
from pipelines.flights.live import recording
from pipelines.flights.model import fit

WEATHER = (
    "temperature_f",
    "dew_point_f",
    "humidity_percent",
    "wind_speed_mph",
    "wind_gust_mph",
    "precipitation_in",
    "pressure_mb",
    "visibility_mi",
)
LATE_RATES = (
    "carrier_late_rate_7d",
    "carrier_late_rate_28d",
    "origin_late_rate_7d",
    "origin_late_rate_28d",
    "destination_late_rate_7d",
    "destination_late_rate_28d",
)

flights = Pipeline(
    name="flights",
    question="How likely is each of tomorrow's flights out of New York to land at least 15 minutes late, or not at all?",
    limits=[
        "It ranks flights by risk. It does not explain why one is late, and decides about no passenger's rights or money.",
        "It learned from flights that left New York in 2013, and says nothing of other airports.",
        "Weather is what was observed the evening before: it knows of no storm that is only forecast.",
    ],
    prepare=prepare,
    rows=Rows(
        columns={
            "flight_id": "string",
            "known_at": "timestamp",
            "scheduled_departure": "timestamp",
            "carrier": "string",
            "flight_number": "int64",
            "origin": "string",
            "destination": "string",
            "month": "int64",
            "weekday": "int64",
            "departure_minute": "int64",
            "arrival_minute": "int64",
            "distance_miles": "double",
            "aircraft": "string",
            "aircraft_age_years": "double",
            "aircraft_seats": "double",
            "aircraft_manufacturer": "string",
            "weather_observed_at": "timestamp",
            **dict.fromkeys(WEATHER, "double"),
            **dict.fromkeys(LATE_RATES, "double"),
        }
    ),
    labels=Labels(
        columns={
            "flight_id": "string",
            "label_arrived_at": "timestamp",
            "late": "int64",
            "outcome": "string",
            "arrival_delay_minutes": "double",
        },
        target="late",
        lag_nights=2,  # last night's flights land today, and their labels arrive at noon: after today's cut-off
    ),
    id_columns=["flight_id"],
    features=[
        "carrier",
        "origin",
        "destination",
        "weekday",
        "departure_minute",
        "arrival_minute",
        "distance_miles",
        "aircraft_age_years",
        "aircraft_seats",
        "aircraft_manufacturer",
        *WEATHER,
        *LATE_RATES,
    ],
    fit=fit,
    checks=Checks(rows="flights_rows", labels="flights_labels", refuse_at_most=0.02),
    window=Window(nights=240, holdout=28),
    gate=Gate(metric="roc_auc", threshold=0.60, tolerance=0.005),
    slices=["origin", "carrier"],
    recording=recording,
)
