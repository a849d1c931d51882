"""The folder of prepared nights: filled once, restored when touched, never half written."""

import csv
import io
import json
import signal
import subprocess
import sys
import zipfile
from dataclasses import asdict
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.engine.errors import StorageError, StorageFull
from pipelines.flights.data import prepare
from pipelines.flights.sources import FlightsSourceError, package_folder

REPOSITORY = Path(__file__).parents[3]
DAYS = 10


def lines_of_january():
    with zipfile.ZipFile(package_folder() / "flights.csv.zip") as archive, archive.open("flights.csv") as file:
        text = io.TextIOWrapper(file, "utf-8", newline="")
        lines = [next(text)]
        lines += [line for line, _ in zip(text, range(9500), strict=False) if int(line.split(",")[2]) <= DAYS]
    return lines


def write_flights(folder, lines):
    with zipfile.ZipFile(folder / "flights.csv.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("flights.csv", "".join(lines))


@pytest.fixture(scope="session")
def january():
    return lines_of_january()


@pytest.fixture
def source(tmp_path, january):
    """The first ten days of the year, in files like the package's."""
    folder = tmp_path / "source"
    folder.mkdir()
    write_flights(folder, january)
    for name in ("weather.csv", "planes.csv"):
        (folder / name).write_bytes((package_folder() / name).read_bytes())
    return folder


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data" / "flights"


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.glob("*/*.parquet")}


def ages(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def start(folder, source, before=""):
    """Run `prepare` in another process, after some lines of Python that make it stumble."""
    code = f"""
import json, os, sys, time
from dataclasses import asdict
from pathlib import Path
{before}
from pipelines.flights.data import prepare
print(json.dumps(asdict(prepare(Path({str(folder)!r}), source=Path({str(source)!r})))))
"""
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


HANG_IN_THE_MIDDLE_OF_THE_SEVENTH_FILE = """
real, calls = os.fsync, []
def fsync(handle):
    calls.append(handle)
    if len(calls) == 7:
        print("writing", flush=True)
        time.sleep(600)
    real(handle)
os.fsync = fsync
"""


def killed_in_the_middle_of_a_file(folder, source):
    process = start(folder, source, HANG_IN_THE_MIDDLE_OF_THE_SEVENTH_FILE)
    assert process.stdout.readline() == "writing\n"
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def test_second_call_writes_nothing(folder, source):
    first = prepare(folder, source=source)
    before = ages(folder)
    second = prepare(folder, source=source)

    assert (first.nights, first.written, first.unchanged) == (DAYS, 2 * DAYS, 0)
    assert asdict(second) == {**asdict(first), "written": 0, "unchanged": 2 * DAYS}
    assert ages(folder) == before


def test_same_source_gives_the_same_bytes(folder, source, tmp_path):
    prepare(folder, source=source)
    prepare(tmp_path / "again", source=source)

    assert contents(folder) == contents(tmp_path / "again")


@pytest.mark.parametrize("harm", ["deleted", "altered", "cut short", "emptied"])
def test_a_harmed_file_is_restored_alone(folder, source, harm):
    prepare(folder, source=source)
    whole, before = contents(folder), ages(folder)
    victim = folder / "labels" / "2013-01-04.parquet"
    if harm == "deleted":
        victim.unlink()
    else:
        good = victim.read_bytes()
        victim.write_bytes({"altered": good[:-1] + b"?", "cut short": good[:500], "emptied": b""}[harm])

    assert prepare(folder, source=source).written == 1
    assert contents(folder) == whole
    changed = {path.name for path, age in ages(folder).items() if before.get(path) != age}
    assert changed <= {victim.name, "prepared.json", ".prepare.lock"}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"inputs": "x"}', '{"inputs": 1, "rows": 1, "files": {}}'])
def test_a_lost_manifest_costs_no_file(folder, source, text):
    prepare(folder, source=source)
    (folder / "prepared.json").write_text(text)

    assert prepare(folder, source=source).written == 0
    assert prepare(folder, source=source).unchanged == 2 * DAYS


def test_a_changed_source_rewrites_what_it_changes(folder, source, january):
    prepare(folder, source=source)
    cut = [line for line in january if not line.startswith("2013,1,10,")]
    cut += [line for line in january if line.startswith("2013,1,10,")][:-1]
    write_flights(source, cut)
    again = prepare(folder, source=source)

    assert again.written == 2
    assert again.rows == len(january) - 2


def test_progress_counts_every_night(folder, source):
    heard = []
    prepare(folder, source=source, progress=lambda *report: heard.append(report))

    assert [report[:2] for report in heard if report[1]] == [(done, DAYS) for done in range(1, DAYS + 1)]
    assert heard[-1][2] == "2013-01-10"


def test_a_kill_leaves_no_half_file_and_the_next_run_finishes(folder, source, tmp_path):
    killed_in_the_middle_of_a_file(folder, source)
    left = contents(folder)
    prepare(tmp_path / "undisturbed", source=source)
    whole = contents(tmp_path / "undisturbed")

    assert len(left) == 6
    assert all(whole[name] == content for name, content in left.items())
    assert len(list(folder.glob("*/.*.part"))) == 1

    again = prepare(folder, source=source)

    assert (again.written, again.unchanged) == (2 * DAYS - 6, 6)
    assert contents(folder) == whole
    assert sorted(path.name for path in folder.rglob(".*")) == [".prepare.lock"]


def test_leftovers_in_a_finished_folder_are_cleaned(folder, source):
    prepare(folder, source=source)
    leftover = folder / "rows" / ".2013-01-05.parquet.1.part"
    leftover.write_bytes(b"half")

    assert prepare(folder, source=source).written == 0
    assert not leftover.exists()


def test_two_at_once_write_each_file_once(folder, source, tmp_path):
    both = [start(folder, source), start(folder, source)]
    said = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    prepare(tmp_path / "undisturbed", source=source)

    assert sum(json.loads(out)["written"] for out, _ in said) == 2 * DAYS
    assert contents(folder) == contents(tmp_path / "undisturbed")


def test_waiting_for_another_run_is_said(folder, source):
    folder.mkdir(parents=True)
    holder = start(folder, source, HANG_IN_THE_MIDDLE_OF_THE_SEVENTH_FILE)
    assert holder.stdout.readline() == "writing\n"
    heard = []

    def listen(done, total, what):
        heard.append(what)
        if len(heard) == 1:
            holder.kill()

    assert prepare(folder, source=source, progress=listen).unchanged == 6
    holder.communicate()
    assert heard[0] == "waiting for another run that prepares the same folder"


def test_no_room_is_one_helpful_sentence_and_loses_nothing(folder, source):
    """A file size limit stands in for a full disk: the operating system refuses the write in the same way."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, resource.RLIM_INFINITY))"
    _, said = start(folder, source, limit).communicate()

    assert f"{StorageFull.__name__}: The flights data need about 30 MB in {folder}, but there is no room" in said
    assert list(folder.glob("*/.*.part")) == []
    assert all(pq.read_table(path).num_rows for path in folder.glob("*/*.parquet"))
    assert prepare(folder, source=source).rows > 0


def test_a_folder_that_cannot_be_made_says_so(tmp_path, source):
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(StorageError, match=r"cannot be used: Not a directory\. Set NIGHTSHIFT_DATA to a folder"):
        prepare(tmp_path / "file" / "flights", source=source)


def test_a_missing_package_says_what_to_install():
    with pytest.raises(FlightsSourceError, match=r"needs the package 'nyc_nothing', but .* `pip install nyc_nothing`"):
        package_folder("nyc_nothing")


@pytest.mark.parametrize("name", ["flights.csv.zip", "weather.csv", "planes.csv"])
def test_a_missing_file_is_named(folder, source, name):
    (source / name).unlink()

    with pytest.raises(FlightsSourceError, match=f"expects .*{name}, but there is no such file"):
        prepare(folder, source=source)
    assert not folder.exists()


@pytest.mark.parametrize("name", ["flights.csv.zip", "weather.csv", "planes.csv"])
def test_a_file_that_is_cut_short_is_named(folder, source, name):
    path = source / name
    path.write_bytes(path.read_bytes()[:100_003])

    with pytest.raises(FlightsSourceError, match=f"cannot read .*{name}: .* Install the package again"):
        prepare(folder, source=source)


def test_a_zip_without_the_csv_file_is_named(folder, source):
    with zipfile.ZipFile(source / "flights.csv.zip", "w") as archive:
        archive.writestr("something.txt", "else")

    with pytest.raises(FlightsSourceError, match=r"cannot read .*flights\.csv\.zip: .*flights\.csv"):
        prepare(folder, source=source)


def test_a_renamed_column_is_named_with_its_nearest(folder, source, january):
    write_flights(source, [january[0].replace("arr_delay", "arrival_delay"), *january[1:]])

    with pytest.raises(FlightsSourceError, match=r"expects the column 'arr_delay' .* Did you mean 'arrival_delay'\?"):
        prepare(folder, source=source)


@pytest.mark.parametrize("text", ["", "\n"])
def test_an_empty_file_is_named(folder, source, text):
    (source / "weather.csv").write_text(text)

    with pytest.raises(FlightsSourceError, match=r"weather\.csv, but it has no columns"):
        prepare(folder, source=source)


def test_a_file_without_rows_is_named(folder, source, january):
    write_flights(source, january[:1])

    with pytest.raises(FlightsSourceError, match=r"expects rows in .*flights\.csv\.zip, but it has none"):
        prepare(folder, source=source)


def altered_line(january, **values):
    names = january[0].strip().split(",")
    fields = dict(zip(names, january[1].strip().split(","), strict=True)) | values
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(fields.values())
    return out.getvalue()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"month": "13"}, "a value that no flight can have: .*13"),
        ({"sched_dep_time": "2575"}, "but 1 of .* flights have other numbers"),
        ({"sched_dep_time": "1275"}, "but 1 of .* flights have other numbers"),
        ({"sched_dep_time": "2401"}, "but 1 of .* flights have other numbers"),
        ({"sched_arr_time": "2401"}, "but 1 of .* flights have other numbers"),
        ({"sched_dep_time": "-5"}, "but 1 of .* flights have other numbers"),
        ({"carrier": "NA"}, "expects a value of 'carrier' in every row"),
        ({"arr_delay": "soon"}, "cannot read .*flights.csv.zip"),
        ({}, "but 1 of .* flights are repeated"),
    ],
)
def test_an_impossible_flight_is_refused_before_anything_is_written(folder, source, january, values, message):
    write_flights(source, [*january, altered_line(january, **values)])

    with pytest.raises(FlightsSourceError, match=message):
        prepare(folder, source=source)
    assert list(folder.rglob("*.parquet")) == []


def test_midnight_departures_close_the_day(folder, source, january):
    write_flights(source, [*january, altered_line(january, sched_dep_time="2400", sched_arr_time="0")])
    prepare(folder, source=source)
    last = pq.read_table(folder / "rows" / "2013-01-01.parquet").to_pylist()[-1]

    assert last["flight_id"] == "2013-01-01-UA-1545-EWR-2400"
    assert last["scheduled_departure"].isoformat() == "2013-01-02T05:00:00+00:00"
    assert (last["departure_minute"], last["arrival_minute"]) == (0, 0)


def test_preparing_imports_no_heavy_library_until_it_runs():
    code = "import sys, pipelines.flights.data; print([m for m in ('duckdb', 'pyarrow', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
