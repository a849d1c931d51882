"""Where the refused rows of a night are, and what they say; shared by `nightshift night` and `nightshift quarantine`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.engine.pipeline import Pipeline
    from pipelines.engine.settings import Settings
    from pipelines.engine.storage import Location
    from pipelines.engine.views.night import NightView

ATTEMPT = re.compile(r"([0-9a-f]{12})-(\d+)\.parquet")


def quarantine_file(settings: Settings, view: NightView) -> Location | None:
    """Return the file that keeps a night's refused rows, or None if none was refused.

    It is found by its name where the ledger names no path below the tables: where there were too many of them, and the
    night stopped, and where the tables have moved since.

    Raises:
        RowsMissing: Rows were refused, and their file is not there.
        StorageError: The store does not answer.
    """
    from nightshift.connections import open_storage
    from pipelines.engine.errors import RowsMissing

    tables = open_storage(settings).at(settings.tables)
    if view.checked is not None and not view.checked.refused:
        return None
    if view.quarantine and (tables / view.quarantine).exists():
        return tables / view.quarantine
    folder = tables / view.pipeline / "quarantine" / f"night={view.night}"
    looks = [key.key for key in view.keys if key.step == "validate"]
    attempts = [(int(match[2]), file) for file in folder.files(".parquet") if (match := _of(file.name, looks[:1]))]
    if attempts:
        return max(attempts, key=lambda attempt: attempt[0])[1]
    if view.checked is None:
        return None
    raise RowsMissing(
        f"{view.checked.refused} rows of {view.pipeline} {view.night} were refused, and their file is not in {folder}. "
        "NIGHTSHIFT_TABLES says where the tables are; run the night again to have it written anew."
    )


def _of(name: str, keys: Sequence[str]) -> re.Match[str] | None:
    match = ATTEMPT.fullmatch(name)
    return match if match and any(key.startswith(match[1]) for key in keys) else None


def write_csv(file: Location, pipeline: Pipeline, target: Path) -> int:
    """Write all refused rows as CSV, with sensitive columns hidden, and return how many there are.

    Raises:
        UsageError: The file cannot be written there.
        StorageError: The store does not answer.
    """
    import pyarrow as pa
    import pyarrow.csv as csv
    import pyarrow.parquet as pq

    from data_checks.sensitive import HIDDEN
    from pipelines.engine.errors import UsageError

    table = pq.read_table(file.copy(), partitioning=None)
    for at, name in enumerate(table.column_names):
        if name in pipeline.rows.sensitive:
            table = table.set_column(at, name, pa.array([HIDDEN] * table.num_rows))
    try:
        csv.write_csv(table, target)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror or error}. Give another file.") from None
    return int(table.num_rows)
