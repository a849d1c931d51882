"""Digits: which digit is each handwritten one that came in today?

The example of several classes (`kind="multiclass"`), with the 1,797 digits that scikit-learn carries, dealt over 60 nights.
"""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pipelines.engine.pipeline import Checks, Gate, Labels, Pipeline, Prepared, Progress, Rows, Window

NIGHTS = [str(date(2026, 1, 1) + timedelta(days=day)) for day in range(60)]
PIXELS = [f"pixel_{number:02}" for number in range(64)]


def fit(features: Any, target: Any, *, strength: float = 1.0) -> Any:
    """Fit a logistic regression to the sixteen shades of the 8 x 8 pixels."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MaxAbsScaler

    return make_pipeline(MaxAbsScaler(), LogisticRegression(C=strength, max_iter=500)).fit(features, target)


def prepare(folder: Path, *, progress: Progress) -> Prepared:
    """Deal the digits over the nights, as files."""
    import pandas as pd
    from sklearn.datasets import load_digits

    pixels, digits = load_digits(return_X_y=True)
    missing = [night for night in NIGHTS if not (folder / "labels" / f"{night}.parquet").exists()]
    for done, night in enumerate(missing, start=1):
        dealt = slice(NIGHTS.index(night), None, len(NIGHTS))
        names = [f"{night}-{number:03}" for number in range(len(digits[dealt]))]
        rows = pd.DataFrame(pixels[dealt].astype("int64"), columns=PIXELS).assign(digit_id=names)
        labels = pd.DataFrame({"digit_id": names, "digit": digits[dealt].astype("int64")})
        for kind, frame in (("rows", rows), ("labels", labels)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            frame.to_parquet(folder / kind / f"{night}.parquet", index=False)
        progress(done, len(missing), night)
    written = 2 * len(missing)
    return Prepared(60, written, 120 - written, rows=len(digits), first=NIGHTS[0], last=NIGHTS[-1])


digits = Pipeline(
    name="digits",
    kind="multiclass",
    question="Which digit is each handwritten one that came in today?",
    prepare=prepare,
    rows=Rows(columns={"digit_id": "string", **dict.fromkeys(PIXELS, "int64")}),
    labels=Labels(columns={"digit_id": "string", "digit": "int64"}, target="digit"),
    id_columns=["digit_id"],
    features=PIXELS,
    fit=fit,
    checks=Checks(rows="digits_rows", labels="digits_labels", refuse_at_most=0.05),
    window=Window(nights=45, holdout=15),
    gate=Gate(metric="accuracy", threshold=0.85, tolerance=0.02),
)
