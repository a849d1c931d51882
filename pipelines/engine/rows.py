"""One night's files: find them, hold them against what was declared, and name them by their content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.engine.errors import RowsMissing, RowsUnreadable, SchemaMismatch, nearest
from pipelines.engine.files import sha256_of
from pipelines.engine.keys import digest_of
from pipelines.engine.storage import Location

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK = 1 << 20


@dataclass(frozen=True)
class NightFile:
    """One Parquet file of a night.

    Attributes:
        path: Where it was delivered, as people write it.
        copy: The bytes that were inspected, on this machine; `path` itself where it lies here.
        rows: How many rows it holds.
        row_groups: Rows of each of its row groups.
        group_bytes: Bytes of each of them before compression.
        size: In bytes.
        modified_ns: Its modification time; only a hint whether `sha256` must be computed again.
        sha256: Digest of its bytes, in hex.
    """

    path: str
    copy: Path
    rows: int
    row_groups: tuple[int, ...]
    group_bytes: tuple[int, ...]
    size: int
    modified_ns: int
    sha256: str


def find_files(folder: Location, night: str) -> list[Location]:
    """Return the files of a night: `<folder>/<night>.parquet`, or all of `<folder>/<night>/*.parquet` by name.

    Raises:
        RowsMissing: There are none; the message says which nights there are.
    """
    single = folder / f"{night}.parquet"
    files = [single] if single.exists() else (folder / night).files(".parquet")
    if not files:
        raise RowsMissing(
            f"no {folder.name} for night {night}: expected {single} or files in {folder / night}/.\n{_what_there_is(folder)}"
        )
    return files


def known_nights(folder: Location) -> list[str]:
    """Return the nights that have files in a folder, oldest first."""
    return sorted({name.removesuffix(".parquet") for name in folder.names() if name[0].isdigit()})


def _what_there_is(folder: Location) -> str:
    nights = known_nights(folder)
    if not nights:
        return f"{folder} has no night at all. Deliver the files there, or run `nightshift data {folder.parent.name}`."
    return f"There are {len(nights)} nights, {nights[0]} to {nights[-1]}. Ask for one of them, or deliver the file and clear the task."


def inspect_files(paths: Sequence[Location], columns: Mapping[str, str]) -> list[NightFile]:
    """Read the footers, compare the schemas with the declared columns, and digest the bytes.

    Raises:
        RowsUnreadable: A file is not Parquet, or is cut short.
        SchemaMismatch: With every difference in words.
        RowsMissing: The files hold no row at all.
    """
    files = [_inspect(path, columns) for path in paths]
    if not sum(file.rows for file in files):
        raise RowsMissing(f"{paths[0]} holds no row. Deliver it again with rows, and clear the task.")
    return files


def _inspect(path: Location, columns: Mapping[str, str]) -> NightFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    copy = path.copy()
    try:
        metadata = pq.read_metadata(copy)
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise RowsUnreadable(
            f"{path} cannot be read as Parquet ({copy.stat().st_size:,} bytes): {str(error).splitlines()[0]}\n"
            "Deliver the whole file again, and run it again (in Airflow: clear the task)."
        ) from None
    schema = metadata.schema.to_arrow_schema()
    doubled = [f"column {name!r} is there {count} times" for name, count in Counter(schema.names).items() if count > 1]
    differences = [*doubled, *compare_columns(columns, {field.name: type_name(field.type) for field in schema})]
    if differences:
        listed = "\n".join(f"  - {line}" for line in differences[:8])
        more = f"\n  ... and {len(differences) - 8} more" if len(differences) > 8 else ""
        raise SchemaMismatch(
            f"{path} has other columns than declared:\n{listed}{more}\nDeliver it as declared, or change the declaration."
        )
    status = copy.stat()
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    return NightFile(
        path=str(path),
        copy=copy,
        rows=metadata.num_rows,
        row_groups=tuple(group.num_rows for group in groups),
        group_bytes=tuple(group.total_byte_size for group in groups),
        size=status.st_size,
        modified_ns=status.st_mtime_ns,
        sha256=sha256_of(copy),
    )


def type_name(kind: pa.DataType) -> str:
    """Return our word for an Arrow type, or Arrow's own where we have none."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "string"
    if pa.types.is_timestamp(kind):
        return "timestamp" if kind.tz else "timestamp without a time zone"
    return str(kind)


def compare_columns(expected: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Say in words how the columns of a file differ from the declared ones; empty if they do not."""
    added = [name for name in found if name not in expected]
    differences = [
        f"column {name!r} ({kind}) is missing.{nearest(name, added)}"
        for name, kind in expected.items()
        if name not in found
    ]
    differences += [f"column {name!r} ({found[name]}) is not declared" for name in added]
    differences += [
        f"column {name!r}: expected {kind}, got {found[name]}"
        for name, kind in expected.items()
        if name in found and found[name] != kind
    ]
    return differences


def fingerprint(files: Sequence[NightFile]) -> str:
    """Name rows by their content: the same bytes under another file name are the same rows."""
    return digest_of(sorted(file.sha256 for file in files))


def in_content_order(files: Sequence[NightFile]) -> list[NightFile]:
    """Order files by content, so that positions in a night do not depend on how its files are called."""
    return sorted(files, key=lambda file: file.sha256)


def unreadable(path: str, reason: str) -> RowsUnreadable:
    """Return the error for a file whose data is damaged though its footer is whole."""
    return RowsUnreadable(
        f"{path} is damaged inside: {reason.splitlines()[0]}\nDeliver the whole file again, and run it again (in Airflow: clear the task)."
    )


def iterate_batches(
    copy: Path, path: str, row_groups: Sequence[int], columns: Sequence[str], strings: Sequence[str], batch_rows: int
) -> Iterator[pa.RecordBatch]:
    """Stream some row groups of a file with flat memory; text columns come as Arrow dictionaries.

    Args:
        copy: The file on this machine.
        path: Where it was delivered, for words.
        row_groups: Indexes of those to read.
        columns: Which to read.
        strings: Those of them that are text.
        batch_rows: At most so many rows at once.

    Raises:
        RowsUnreadable: Its data is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(copy, read_dictionary=list(strings), pre_buffer=False, buffer_size=CHUNK) as file:
            yield from file.iter_batches(batch_size=batch_rows, row_groups=list(row_groups), columns=list(columns))
    except (pa.ArrowException, OSError) as error:
        raise unreadable(path, str(error)) from None
