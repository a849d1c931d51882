"""Where the refused rows of a night are, and what they say; shared by `nightshift night` and `nightshift quarantine`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.engine.pipeline import Pipeline
    from pipelines.engine.settings import Settings
    from pipelines.engine.storage import Location
    from pipelines.engine.views.night import NightView

ATTEMPT = re.compile(r"([0-9a-f]{12})-(\d+)\.parquet")


def quarantine_file(settings: Settings, view: NightView) -> Location | None:
    """Return the file that keeps a night's refused rows: also where there were too many of them, and the night stopped.

    Raises:
        StorageError: The store does not answer.
    """
    from nightshift.connections import open_storage

    tables = open_storage(settings).at(settings.tables)
    if view.checked is not None:
        return tables / view.quarantine if view.quarantine else None
    looks = [key for key in view.keys if key.step == "validate"]
    if not looks:
        return None
    wanted = looks[0].key[:12]
    found = []
    for file in (tables / view.pipeline / "quarantine" / f"night={view.night}").files(".parquet"):
        match = ATTEMPT.fullmatch(file.name)
        if match and match[1] == wanted:
            found.append((int(match[2]), file))
    return max(found, key=lambda attempt: attempt[0])[1] if found else None


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
