"""Files that are not what they should be, and files that come twice or late."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nightshift.drill import jobs
from nightshift.drill.aim import Aim
from nightshift.drill.faults.base import NIGHT, Drill, Fault
from nightshift.drill.oracle.delta_log import files_of
from nightshift.drill.oracle.verdict import delivered_ids, published_ids

if TYPE_CHECKING:
    import pyarrow as pa

LATE_ROWS = 7


def replace(path: Path, content: bytes) -> None:
    """Put other bytes in a file's place; never into the file, which the sandbox shares with its original."""
    waiting = path.with_name(f".{path.name}.delivery")
    waiting.write_bytes(content)
    waiting.replace(path)


def _deliver(path: Path, table: pa.Table) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    replace(path, sink.getvalue().to_pybytes())


def _bad_file(broken: Callable[[bytes], bytes], error: str) -> Callable[[Drill], str]:
    """Deliver something that is no whole Parquet file, then the right file."""

    def run(drill: Drill) -> str:
        before, right = drill.commits(), drill.rows.read_bytes()
        replace(drill.rows, broken(right))
        drill.broken()
        said = _refused(drill, error)
        drill.expect(drill.commits() == before, "something was published")
        replace(drill.rows, right)
        drill.recover()
        return f"{said}; delivered again, it was published"

    return run


def _other_columns(change: Callable[[pa.Table], pa.Table], difference: str) -> Callable[[Drill], str]:
    def run(drill: Drill) -> str:
        import pyarrow.parquet as pq

        before, right = drill.commits(), drill.rows.read_bytes()
        _deliver(drill.rows, change(pq.read_table(drill.rows)))
        drill.broken()
        said = _refused(drill, "SchemaMismatch", difference)
        drill.expect(drill.commits() == before, "something was published")
        replace(drill.rows, right)
        drill.recover()
        return f"{said}; delivered again, it was published"

    return run


def _refused(drill: Drill, error: str, words: str = "") -> str:
    outcome = drill.sandbox.run(jobs.score_night, NIGHT)
    drill.expect(outcome.error == error, f"expected {error}, got: {outcome}")
    drill.expect(words in outcome.text, f"the message does not say {words!r}: {outcome.text}")
    drill.expect(not outcome.retryable, f"{error} would be tried again, though it cannot pass by itself")
    return f"{error}, not retried, the old version stays"


def _late_rows(drill: Drill) -> str:
    """A night is published; then its file comes again with more rows."""
    import pyarrow.parquet as pq

    whole = pq.read_table(drill.rows)
    _deliver(drill.rows, whole.slice(0, whole.num_rows - LATE_ROWS))
    drill.recover()
    first = drill.result()["delta_version"]
    early = delivered_ids(drill.scene, NIGHT)
    _deliver(drill.rows, whole)
    drill.broken()
    drill.recover()
    drill.expect(drill.publications() == 2, "the late rows are no revision of their own")
    drill.expect(drill.result()["rows_in"] == whole.num_rows, "the late rows are missing")
    then = published_ids(drill.scene, drill.commits(), NIGHT, version=first)
    drill.expect(sorted(then) == sorted(early), "time travel does not show the first revision")
    return f"a second revision with {LATE_ROWS} rows more; version {first} still shows the first"


def _late_rows_during_a_run(drill: Drill) -> str:
    """The worst moment: an older run is about to commit when the file comes again and a newer run publishes it."""
    import pyarrow.parquet as pq

    whole = pq.read_table(drill.rows)
    _deliver(drill.rows, whole.slice(0, whole.num_rows - LATE_ROWS))
    still = Aim("may commit", "stop")
    older = drill.sandbox.start(jobs.score_night_and_insist, NIGHT, aims=[still])
    older.until(still)
    _deliver(drill.rows, whole)
    drill.broken()
    drill.recover()
    newest = drill.commits()
    older.go_on()
    told = older.wait()
    drill.expect(told.worked, f"the older run: {told}")
    drill.expect(drill.commits() == newest, "the older run put its rows in the place of newer ones")
    drill.expect("superseded" in told.result, "the older run was not told that it is superseded")
    return "the older run was told that a newer one stands; the late rows are there"


def _same_file_twice(drill: Drill) -> str:
    drill.recover()
    before, content = drill.commits(), drill.rows.read_bytes()
    replace(drill.rows, content)
    drill.broken()
    drill.recover()
    drill.expect(drill.commits() == before, "the same file was published twice")
    return "done already: no key claimed for it, no new version"


def _renamed_file(drill: Drill) -> str:
    drill.recover()
    before = drill.commits()
    folder = drill.rows.with_suffix("")
    folder.mkdir()
    drill.rows.rename(folder / "delivery-again.parquet")
    drill.broken()
    drill.recover()
    drill.expect(drill.commits() == before, "the renamed file was published as a new one")
    return "the same content under another name is the same rows"


def _twice_in_one_night(drill: Drill) -> str:
    """The same file lies twice in one night's folder: each row is there two times."""
    before, content = drill.commits(), drill.rows.read_bytes()
    folder = drill.rows.with_suffix("")
    folder.mkdir()
    drill.rows.rename(folder / "a.parquet")
    (folder / "b.parquet").write_bytes(content)
    drill.broken()
    outcome = drill.sandbox.run(jobs.score_night, NIGHT)
    drill.expect(not outcome.worked, "doubled rows were published")
    drill.expect(not outcome.retryable, "it would be tried again, though it cannot pass by itself")
    drill.expect(drill.commits() == before, "something was published")
    (folder / "b.parquet").unlink()
    drill.recover()
    drill.expect(len(files_of(drill.commits(), NIGHT)) >= 1, "nothing is published")
    return f"{outcome.error}: the checks saw doubled ids; with one copy it was published"


def _dropped(table: pa.Table) -> pa.Table:
    return table.drop_columns(["distance_miles"])


def _renamed(table: pa.Table) -> pa.Table:
    names = ["distance" if name == "distance_miles" else name for name in table.column_names]
    return table.rename_columns(names)


def _retyped(table: pa.Table) -> pa.Table:
    import pyarrow as pa

    place = table.schema.get_field_index("distance_miles")
    return table.set_column(place, "distance_miles", table["distance_miles"].cast(pa.string()))


def _damaged(right: bytes) -> bytes:
    """Damage the data pages and leave the footer whole."""
    return right[:4] + b"\xff" * (len(right) // 2) + right[4 + len(right) // 2 :]


FAULTS = (
    Fault(
        "corrupt-file",
        "Parquet data pages overwritten, footer whole",
        "nothing is published, the error says which file",
        _bad_file(_damaged, "RowsUnreadable"),
    ),
    Fault(
        "truncated-file",
        "a Parquet file cut in the middle",
        "nothing is published, the error says which file",
        _bad_file(lambda right: right[: len(right) // 2], "RowsUnreadable"),
    ),
    Fault(
        "empty-file",
        "a file of no bytes",
        "nothing is published, the error says which file",
        _bad_file(lambda _: b"", "RowsUnreadable"),
    ),
    Fault(
        "column-dropped",
        "a declared column is missing",
        "refused, with the difference in words",
        _other_columns(_dropped, "column 'distance_miles' (double) is missing"),
    ),
    Fault(
        "column-renamed",
        "a declared column has another name",
        "refused, with the nearest name",
        _other_columns(_renamed, "Did you mean 'distance'?"),
    ),
    Fault(
        "column-retyped",
        "a declared column has another type",
        "refused, with both types",
        _other_columns(_retyped, "column 'distance_miles': expected double, got string"),
    ),
    Fault(
        "late-rows",
        f"a published night is delivered again with {LATE_ROWS} rows more",
        "a new revision; the old one by time travel",
        _late_rows,
    ),
    Fault(
        "late-rows-during-run",
        "the same while an older run is about to commit, which then tries again and again",
        "the newer run's publication stands",
        _late_rows_during_a_run,
    ),
    Fault("same-file-twice", "a published night is delivered again, the same bytes", "done already", _same_file_twice),
    Fault(
        "renamed-file",
        "a published night is delivered again under another file name",
        "done already",
        _renamed_file,
    ),
    Fault(
        "doubled-file",
        "the same file lies twice in one night",
        "nothing is published twice: the checks refuse the night",
        _twice_in_one_night,
    ),
)
