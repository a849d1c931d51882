"""Small frames that look like a night of flights, made in code."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from data_checks import SuiteContext

NIGHT = date(2013, 11, 19)
ROWS = 900


def context(profile=None, night=NIGHT, nights=1):
    last = night + timedelta(days=nights - 1)
    partition = night.isoformat() if nights == 1 else f"{night}..{last}"
    return SuiteContext(partition, nights=nights, id_columns=("flight_id",), profile=profile)


def instant(day, hour, minutes=0):
    """Wall-clock times in New York as instants in UTC; `minutes` may be an array."""
    midnight = pd.Timestamp(day).tz_localize("America/New_York")
    return (midnight + pd.to_timedelta(hour * 60 + np.asarray(minutes), unit="min")).tz_convert("UTC")


def flight_ids(night, chosen, minutes):
    return [
        f"{night}-{carrier}-{number}-{origin}-{minute // 60:02d}{minute % 60:02d}"
        for (carrier, number, origin), minute in zip(chosen, minutes, strict=True)
    ]


def make_rows(night=NIGHT, rows=ROWS, seed=7):
    """Rows as the declared columns have them, `rows` flights of one night."""
    random = np.random.default_rng(seed)
    carrier = random.choice(["UA", "B6", "EV", "DL", "AA", "MQ", "US", "9E", "WN", "VX"], rows)
    origin = random.choice(["EWR", "JFK", "LGA"], rows, p=[0.36, 0.33, 0.31])
    minute = np.sort(random.integers(5 * 60, 23 * 60, rows))
    number = np.arange(1, rows + 1)
    temperature = random.choice([40.1, 41.0, 42.08], rows)
    frame = pd.DataFrame(
        {
            "flight_id": flight_ids(night, list(zip(carrier, number, origin, strict=True)), minute),
            "known_at": instant(night - timedelta(days=1), 18),
            "scheduled_departure": instant(night, 0, minute),
            "carrier": carrier,
            "origin": origin,
            "destination": random.choice(["LAX", "ORD", "ATL", "BOS", "MCO", "SFO", "CLT"], rows),
            "flight_number": number,
            "month": night.month,
            "weekday": night.isoweekday(),
            "departure_minute": minute,
            "arrival_minute": (minute + 150) % 1440,
            "distance_miles": random.choice([187.0, 733.0, 760.0, 1089.0, 2475.0], rows),
            "aircraft": [f"N{10000 + n}" if n % 20 else None for n in number],
            "aircraft_age_years": np.where(number % 6, random.integers(0, 30, rows), np.nan),
            "aircraft_seats": np.where(number % 6, 149.0, np.nan),
            "aircraft_manufacturer": ["BOEING" if n % 6 else None for n in number],
            "weather_observed_at": instant(night - timedelta(days=1), 17),
            "temperature_f": temperature,
            "dew_point_f": temperature - 12,
            "humidity_percent": 61.5,
            "wind_speed_mph": 10.4,
            "wind_gust_mph": np.where(number % 5, np.nan, 24.2),
            "precipitation_in": 0.0,
            "pressure_mb": np.where(number % 9, 1017.6, np.nan),
            "visibility_mi": 10.0,
        }
    )
    rates = [f"{of}_late_rate_{days}d" for of in ("carrier", "origin", "destination") for days in (7, 28)]
    frame[rates] = random.uniform(0.05, 0.5, (rows, len(rates)))
    return frame.astype({"known_at": "datetime64[us, UTC]", "weather_observed_at": "datetime64[us, UTC]"})


def make_labels(night=NIGHT, rows=ROWS, seed=7):
    """Labels of the same flights: one in five late, some diverted and cancelled."""
    random = np.random.default_rng(seed)
    place = np.arange(rows)
    outcome = np.select(
        [place % 60 == 1, place % 150 == 2, place % 5 == 0], ["cancelled", "diverted", "late"], "on_time"
    )
    delay = np.select([outcome == "late", outcome == "on_time"], [15.0 + place % 100, -30.0 + place % 45], np.nan)
    order = random.permutation(rows)
    return pd.DataFrame(
        {
            "flight_id": make_rows(night, rows, seed)["flight_id"].to_numpy()[order],
            "label_arrived_at": instant(night + timedelta(days=1), 12),
            "late": (outcome != "on_time").astype("int64")[order],
            "outcome": outcome[order],
            "arrival_delay_minutes": delay[order],
        }
    )
