"""What bad input gets: a message that says who, expected, got and what to do; nothing published, nothing lost."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from data_checks import DataCheckError
from model_registry import RegistryError, RegistryUnavailable, TamperedModel
from pipelines.engine import errors
from pipelines.engine.catalog import load_pipeline
from pipelines.engine.ledger.migrate import migrate
from pipelines.engine.nights import parse_nights
from tests.pipelines.engine.steps import places, tides

BEFORE, NIGHT = tides.NIGHTS[:2]
OURS = (errors.NightshiftError, RegistryError, DataCheckError)


def refused(work, kind, *said):
    """Run what must be refused, and hold the message against what it must say."""
    with pytest.raises(OURS) as caught:
        work()
    assert type(caught.value) is kind
    message = str(caught.value)
    for part in said:
        assert part in message
    assert len(message.splitlines()) <= 10
    assert "Traceback" not in message
    assert 'File "' not in message
    return message


# --- rows that are wrong: each case spoils one delivered night -------------------------------------------------------


def removed(path: Path) -> None:
    path.unlink()


def without_bytes(path: Path) -> None:
    path.write_bytes(b"")


def without_rows(path: Path) -> None:
    tides.write(tides.make_rows(NIGHT, rows=0), path)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-500])


def not_parquet(path: Path) -> None:
    path.write_text("buoy;sea;wind\nb1;north;3.5\n" * 50)


def damaged_inside(path: Path) -> None:
    """Spoil a data page and leave the footer whole."""
    tides.write(tides.make_rows(NIGHT, rows=3000), path, row_group=3000)
    start = pq.ParquetFile(path).metadata.row_group(0).column(2).data_page_offset
    content = bytearray(path.read_bytes())
    for position in range(start + 40, start + 4000):
        content[position] ^= 0xA5
    path.write_bytes(bytes(content))


def dropped_column(path: Path) -> None:
    write_as(path, pq.read_table(path).drop_columns(["wind"]))


def renamed_column(path: Path) -> None:
    table = pq.read_table(path)
    write_as(path, table.rename_columns([name.replace("wind", "winds") for name in table.column_names]))


def retyped_column(path: Path) -> None:
    table = pq.read_table(path)
    where = table.column_names.index("depth")
    write_as(path, table.set_column(where, "depth", table["depth"].cast("string")))


def added_column(path: Path) -> None:
    table = pq.read_table(path)
    write_as(path, table.append_column("salt", table["wind"]))


def without_time_zone(path: Path) -> None:
    table = pq.read_table(path)
    where = table.column_names.index("measured_at")
    write_as(path, table.set_column(where, "measured_at", table["measured_at"].cast("timestamp[us]")))


def write_as(path: Path, table) -> None:
    pq.write_table(table, path)


def doubled_ids(path: Path) -> None:
    rows = tides.make_rows(NIGHT)
    rows.loc[299, "buoy"] = rows.loc[0, "buoy"]
    tides.write(rows, path)


def strange(share: float) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        rows = tides.make_rows(NIGHT)
        rows.loc[: int(share * len(rows)) - 1, "wind"] = 77.0
        tides.write(rows, path)

    return spoil


@dataclass(frozen=True)
class Case:
    """One way to spoil a night, and what must be said about it."""

    name: str
    spoil: Callable[[Path], None]
    kind: type[errors.NightshiftError]
    said: tuple[str, ...] = field(default=())


CASES = [
    Case(
        "missing",
        removed,
        errors.RowsMissing,
        (f"no rows for night {NIGHT}", "expected", "2024-02-29 to 2024-03-08", "deliver the file and clear the task"),
    ),
    Case(
        "0 bytes",
        without_bytes,
        errors.RowsUnreadable,
        ("cannot be read as Parquet (0 bytes)", "Deliver the whole file"),
    ),
    Case("0 rows", without_rows, errors.RowsMissing, ("holds no row", "Deliver it again with rows")),
    Case("truncated", truncated, errors.RowsUnreadable, ("cannot be read as Parquet", "Deliver the whole file again")),
    Case(
        "not Parquet", not_parquet, errors.RowsUnreadable, ("cannot be read as Parquet", "Deliver the whole file again")
    ),
    Case(
        "damaged inside", damaged_inside, errors.RowsUnreadable, ("is damaged inside", "Deliver the whole file again")
    ),
    Case(
        "dropped",
        dropped_column,
        errors.SchemaMismatch,
        ("column 'wind' (double) is missing", "Deliver it as declared"),
    ),
    Case(
        "renamed",
        renamed_column,
        errors.SchemaMismatch,
        ("column 'wind' (double) is missing. Did you mean 'winds'?", "column 'winds' (double) is not declared"),
    ),
    Case("retyped", retyped_column, errors.SchemaMismatch, ("column 'depth': expected int64, got string",)),
    Case("extra", added_column, errors.SchemaMismatch, ("column 'salt' (double) is not declared",)),
    Case(
        "no time zone",
        without_time_zone,
        errors.SchemaMismatch,
        ("column 'measured_at': expected timestamp, got timestamp without a time zone",),
    ),
    Case(
        "duplicate ids",
        doubled_ids,
        errors.ChecksFailed,
        ("tides_rows stopped 2024-03-07", "buoy is unique", "Nothing was published", "Report: "),
    ),
    Case(
        "too many refused",
        strange(0.2),
        errors.TooManyRefused,
        (
            "60 of 300 rows were refused (20.0%); at most 10.0%",
            "60 rows: wind lies between -5 and 5",
            "Report: ",
        ),
    ),
    Case(
        "all refused",
        strange(1.0),
        errors.TooManyRefused,
        ("300 of 300 rows were refused (100.0%)", "Nothing was published", "Refused rows: "),
    ),
]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_wrong_rows_are_refused_in_words_and_nothing_is_published_or_lost(place, case):
    places.run_night(place, BEFORE)
    case.spoil(place.rows(NIGHT))
    delivered = place.rows(NIGHT).read_bytes() if place.rows(NIGHT).exists() else None

    message = refused(lambda: places.run_night(place, NIGHT), case.kind, *case.said)

    assert place.versions() == 1
    assert len(place.published(BEFORE)) == 300
    assert not place.is_published(NIGHT)
    assert list(place.failed()) == ["validate"]
    assert place.failed()["validate"] == f"{case.kind.__name__}: {message}"
    assert (place.rows(NIGHT).read_bytes() if place.rows(NIGHT).exists() else None) == delivered
    assert not list(place.home.rglob("*.part"))

    # Mended and asked for again, the night goes through.
    tides.write(tides.make_rows(NIGHT), place.rows(NIGHT))
    assert places.run_night(place, NIGHT).published["rows_scored"] == 300


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.kind is not errors.RowsMissing], ids=lambda case: case.name
)
def test_a_night_that_was_published_stays_as_it_is_when_its_rows_are_delivered_wrong(place, case):
    places.run_night(place, NIGHT)
    before = place.published(NIGHT)["score"].tolist()
    case.spoil(place.rows(NIGHT))
    refused(lambda: places.run_night(place, NIGHT), case.kind, *case.said)
    assert place.versions() == 1
    assert place.published(NIGHT)["score"].tolist() == before


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.kind is errors.TooManyRefused], ids=lambda case: case.name
)
def test_rows_of_a_night_with_too_many_refused_are_kept_with_reasons(place, case):
    case.spoil(place.rows(NIGHT))
    refused(lambda: places.run_night(place, NIGHT), case.kind)
    (kept,) = (Path(place.settings.tables) / "tides" / "quarantine" / f"night={NIGHT}").glob("*.parquet")
    assert set(pq.read_table(kept)["reasons"].to_pylist()) == {"wind lies between -5 and 5"}
    (report,) = (Path(place.settings.reports) / "tides" / NIGHT).glob("*.html")
    assert "wind lies between -5 and 5" in report.read_text()


@pytest.mark.parametrize("case", CASES[:11], ids=lambda case: case.name)
def test_wrong_rows_in_a_training_window_stop_the_training(fresh, case):
    night = tides.LABELLED[-1]
    if case.name == "missing":
        fresh.rows(night).unlink()
        said = (f"no rows for night {night}",)
    else:
        case.spoil(fresh.rows(night))
        said = case.said
    refused(lambda: places.run_training(fresh), case.kind, *said)
    assert list(fresh.failed()) == ["validate_training"]
    assert places.champion(fresh) is None


def test_labels_with_doubled_ids_stop_the_training(fresh):
    labels = pq.read_table(fresh.labels(tides.LABELLED[0])).to_pandas()
    labels.loc[1, "buoy"] = labels.loc[0, "buoy"]
    tides.write(labels, fresh.labels(tides.LABELLED[0]), schema=tides.LABELS)
    refused(lambda: places.run_training(fresh), errors.ChecksFailed, "tides_labels stopped", "buoy is unique")
    assert list(fresh.failed()) == ["validate_training"]


def test_a_window_without_any_labels_says_what_to_do(fresh):
    for night in tides.LABELLED:
        fresh.labels(night).unlink()
    refused(
        lambda: places.run_training(fresh),
        errors.RowsMissing,
        "tides has no labelled night in 2024-02-29..2024-03-02",
        "`nightshift data tides`",
    )
    assert list(fresh.failed()) == ["validate_training"]


# --- things that are asked for and are not there ---------------------------------------------------------------------


def test_unknown_pipeline_names_the_nearest():
    refused(
        lambda: load_pipeline("flihgts"),
        errors.UnknownPipeline,
        "no pipeline 'flihgts'",
        "flights",
        "Did you mean 'flights'?",
    )


@pytest.mark.parametrize(
    ("night", "said"),
    [
        ("2024-3-7", "'2024-3-7' is not a night; expected a date such as 2013-11-19"),
        ("2024-02-30", "'2024-02-30' is not a night"),
        ("tomorrow", "'tomorrow' is not a night"),
        ("", "'' is not a night"),
        ("../2024-03-07", "is not a night"),
        ("2999-01-01", "night 2999-01-01 lies in the future; the newest that can have rows is tomorrow's"),
    ],
)
def test_what_is_no_night_is_refused_before_anything_is_claimed(place, night, said):
    since = place.ledger.now()
    refused(lambda: places.run_night(place, night), errors.UnknownNight, said)
    refused(lambda: places.run_training(place, night), errors.UnknownNight, said)
    assert place.ledger.claims_since(since) == 0
    assert place.versions() == -1


def test_a_range_of_nights_the_wrong_way_round_is_turned():
    refused(lambda: parse_nights("2024-03-08..2024-03-06"), errors.UnknownNight, "did you mean 2024-03-06..2024-03-08?")


def test_no_champion_yet_says_how_to_get_one(fresh):
    refused(
        lambda: places.run_night(fresh, NIGHT),
        errors.NoChampion,
        "tides has no champion yet, so nothing can be scored",
        "`tides_training`",
        "`nightshift train tides --as-of NIGHT`",
    )
    assert fresh.versions() == -1
    places.run_training(fresh)
    assert places.run_night(fresh, NIGHT).published["rows_scored"] == 300


# --- servers that do not answer --------------------------------------------------------------------------------------


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_unreachable_mlflow_is_a_retryable_sentence_and_never_another_model(place):
    places.run_night(place, BEFORE)
    checked = places.validate(place, NIGHT)
    (shard,) = places.plan(place, checked)
    uri = f"http://127.0.0.1:{closed_port()}"
    cut_off = place.changed(tracking_uri=uri, artifacts=None)

    message = refused(
        lambda: places.score(cut_off, shard),
        RegistryUnavailable,
        uri,
        "does not answer",
        "Check that the MLflow server runs",
    )
    assert RegistryUnavailable.retryable
    assert place.versions() == 1
    (entry,) = place.ledger.entries(step="score", partition=f"{NIGHT}#0")
    assert (entry.state, entry.error) == ("open", f"RegistryUnavailable: {message}")
    assert places.run_night(place, NIGHT).published["rows_scored"] == 300


def test_ledger_that_is_not_there_says_what_to_run(place):
    lost = place.changed(ledger_url=f"sqlite:///{place.home}/elsewhere.db")
    refused(
        lambda: lost.runtime,
        errors.LedgerNotMigrated,
        "there is no file",
        "elsewhere.db",
        "Run `nightshift migrate` once",
    )
    assert not (place.home / "elsewhere.db").exists()


def test_ledger_without_tables_says_what_to_run(place):
    (place.home / "empty.db").touch()
    empty = place.changed(ledger_url=f"sqlite:///{place.home}/empty.db")
    refused(
        lambda: empty.runtime,
        errors.LedgerNotMigrated,
        "has no tables of this version",
        "Run `nightshift migrate` once",
    )
    migrate(empty.settings.ledger_url)
    assert empty.ledger.entries() == []


def test_unreachable_ledger_is_a_retryable_sentence_without_the_password(place):
    url = f"postgresql://nightshift:hush@127.0.0.1:{closed_port()}/ledger"
    message = refused(
        lambda: place.changed(ledger_url=url).runtime,
        errors.LedgerUnavailable,
        "does not answer",
        "start the database (or mend NIGHTSHIFT_LEDGER_URL)",
    )
    assert "hush" not in message
    assert errors.LedgerUnavailable.retryable


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "mysql://someone@somewhere/ledger",
            "the ledger cannot live in 'mysql'; expected sqlite:///FILE or postgresql://",
        ),
        ("no url", "is not a URL; expected sqlite:///FILE or postgresql://"),
    ],
)
def test_ledger_address_that_cannot_be_one_is_refused(place, url, said):
    refused(lambda: place.changed(ledger_url=url).runtime, errors.UsageError, said)


# --- things that change or break between two steps -------------------------------------------------------------------


def test_rows_that_changed_after_the_check_are_not_planned(place):
    checked = places.validate(place, NIGHT)
    tides.write(tides.make_rows(NIGHT, seed=9), place.rows(NIGHT))
    refused(
        lambda: places.plan(place, checked),
        errors.RowsChanged,
        f"the rows of tides {NIGHT} are no longer the ones that were checked",
        "Run the night again",
    )
    assert place.versions() == -1


@pytest.mark.parametrize(("change", "found"), [("other", "other bytes"), ("gone", "no file")])
def test_rows_that_changed_after_the_plan_are_not_scored(place, change, found):
    checked = places.validate(place, NIGHT)
    (shard,) = places.plan(place, checked)
    if change == "gone":
        place.rows(NIGHT).unlink()
    else:
        tides.write(tides.make_rows(NIGHT, seed=9), place.rows(NIGHT))
    refused(lambda: places.score(place, shard), errors.RowsChanged, f"there is now {found}", "Run the night again")
    assert list(place.failed()) == ["score"]
    assert place.versions() == -1


def test_a_window_that_changed_after_the_check_is_not_learned_from(fresh):
    from pipelines.engine.steps.train import train
    from pipelines.engine.steps.validate_training import validate_training

    checked = validate_training(fresh.runtime, fresh.pipeline, tides.AS_OF)
    tides.write(tides.make_rows(tides.LABELLED[0], seed=9), fresh.rows(tides.LABELLED[0]))
    refused(
        lambda: train(fresh.runtime, fresh.pipeline, checked),
        errors.RowsChanged,
        "changed after it was checked",
        "run the training again",
    )
    assert places.champion(fresh) is None


def test_another_quarantine_than_the_checked_one_is_not_used(place):
    strange(0.05)(place.rows(NIGHT))
    checked = places.validate(place, NIGHT)
    (shard,) = places.plan(place, checked)
    kept = pq.read_table(checked["quarantine"])
    pq.write_table(kept.set_column(0, "position", [range(100, 100 + kept.num_rows)]), checked["quarantine"])
    refused(lambda: places.score(place, shard), errors.RowsChanged, checked["quarantine"], "run the night again")
    assert place.versions() == -1


def test_a_lost_quarantine_is_said_in_words(place):
    strange(0.05)(place.rows(NIGHT))
    checked = places.validate(place, NIGHT)
    (shard,) = places.plan(place, checked)
    Path(checked["quarantine"]).unlink()
    refused(lambda: places.score(place, shard), errors.RowsChanged, checked["quarantine"], "run the night again")
    assert places.run_night(place, NIGHT).published["rows_quarantined"] == 15


def test_shards_that_do_not_add_up_are_not_published(place):
    shards = place.declared(shard_bytes=1, most_shards=3)
    checked = places.validate(shards, NIGHT)
    scored = [places.score(shards, shard) for shard in places.plan(shards, checked)]
    assert len(scored) == 3
    for wrong, said in [
        (scored[:2], "expected shards 0 to 2, got [0, 1]"),
        ([*scored, scored[0]], "expected shards 0 to 2, got [0, 0, 1, 2]"),
        ([{**scored[0], "model_version": "7"}, *scored[1:]], "shards were scored by versions 1, 7; expected one"),
        (
            [{**scored[0], "rows_scored": 99, "rows_refused": 1}, *scored[1:]],
            "0 rows were refused, and the shards left out 1",
        ),
        ([], "300 rows were checked, and the shards read 0"),
    ]:
        refused(
            lambda wrong=wrong: places.publish(shards, checked, wrong),
            errors.DataError,
            f"night {NIGHT} does not add up, and nothing was published",
            said,
        )
    assert place.versions() == -1


def test_a_shard_file_that_was_cut_is_not_published(place):
    checked = places.validate(place, NIGHT)
    scored = [places.score(place, shard) for shard in places.plan(place, checked)]
    path = place.predictions / scored[0]["path"]
    path.write_bytes(path.read_bytes()[:-10])
    refused(
        lambda: places.publish(place, checked, scored),
        errors.StorageError,
        f"should have {scored[0]['size']:,} bytes and has {scored[0]['size'] - 10:,} bytes; nothing was published",
        "clear the score task",
    )
    assert list(place.failed()) == ["publish"]
    assert not place.is_published(NIGHT)


def test_a_tampered_model_is_never_loaded(fresh):
    training = places.run_training(fresh)
    spoilt = list((fresh.home / "mlflow").rglob("model.txt"))
    assert spoilt
    for path in spoilt:
        path.write_text(path.read_text().replace("leaf_value=", "leaf_value=9", 1))
    refused(lambda: places.run_night(fresh, NIGHT), TamperedModel, "tides version 1", "model.txt")
    assert training.promoted["promoted"]
    assert fresh.versions() == -1


def test_a_tampered_model_in_the_cache_is_fetched_anew(place):
    expected = places.run_night(place, BEFORE).published
    for path in place.settings.cache.rglob("model.txt"):
        path.write_text("nonsense")
    assert places.run_night(place, NIGHT).published["model_version"] == expected["model_version"]


@pytest.mark.parametrize(
    ("fit", "said"),
    [
        (lambda features, target: 1 / 0, "fit of tides raised ZeroDivisionError: division by zero (900 rows)"),
        (lambda features, target: None, "fit of tides gave back None; end it with `return model`"),
        (lambda features, target: "model", "fit gave back a builtins.str; expected a lightgbm Booster"),
    ],
)
def test_a_fit_that_fails_says_so_and_registers_nothing(fresh, fit, said):
    refused(lambda: places.run_training(fresh.declared(fit=fit)), errors.FitFailed, said)
    assert list(fresh.failed()) == ["train"]
    assert places.champion(fresh) is None


# --- no space left ---------------------------------------------------------------------------------------------------


def full(path: Path) -> None:
    """Make the disk full for one file: what is written beside `path` goes to a device that has no space."""
    from pipelines.engine.files import unfinished

    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished(path).symlink_to("/dev/full")


def test_no_space_for_a_shard_is_a_retryable_sentence_and_the_old_version_stays(place, monkeypatch):
    from pipelines.engine.publication import names
    from pipelines.engine.steps import score

    # The file that will be full must be known beforehand, and must still be there.
    monkeypatch.setattr(score, "shard_path", lambda *named: names.shard_path(*named[:3], 0.0))
    monkeypatch.setattr(score, "remove_unfinished", lambda *_: None)
    done = places.run_night(place, NIGHT)
    before = place.published(NIGHT)["score"].tolist()
    place.ledger.force(done.scored[0]["key"], holder="test", reason="score it again")
    path = place.predictions / done.scored[0]["path"]
    again = path.with_name(path.name.replace("-1-0.parquet", "-3-0.parquet"))
    full(again)
    refused(
        lambda: places.score(place, done.planned[0]),
        errors.StorageFull,
        f"no space left for {again}",
        "Nothing was published; free some space, and the retry goes on",
    )
    assert errors.StorageFull.retryable
    assert place.versions() == 1
    assert place.published(NIGHT)["score"].tolist() == before
    assert places.run_night(place, NIGHT).published["delta_version"] == 2
    assert place.published(NIGHT)["score"].tolist() == before


def test_no_space_for_a_report_or_the_quarantine_is_a_retryable_sentence(place, tmp_path):
    strange(0.05)(place.rows(NIGHT))
    twin = place.copied_to(tmp_path / "twin")
    checked = places.validate(twin, NIGHT)
    for attempt, made in enumerate((checked["report"], checked["quarantine"]), start=1):
        path = place.home / Path(made).relative_to(twin.home)
        full(path.with_stem(path.stem.removesuffix("1") + str(attempt)))
        refused(lambda: places.validate(place, NIGHT), errors.StorageFull, "no space left for", "free some space")
        (entry,) = place.ledger.entries(step="validate")
        assert entry.state == "open"
    assert place.versions() == -1


# --- the published table ---------------------------------------------------------------------------------------------


def test_a_table_that_cannot_be_opened_is_said_in_words_and_left_alone(place):
    places.run_night(place, BEFORE)
    newest = place.predictions / "_delta_log" / "00000000000000000001.json"
    newest.write_text("{spoilt")
    refused(
        lambda: places.run_night(place, NIGHT),
        errors.StorageError,
        f"{place.predictions} is a Delta table that cannot be opened",
        "restore the folder, and clear the task",
    )
    assert newest.read_text() == "{spoilt"


def test_a_folder_that_cannot_hold_the_table_is_said_in_words(place):
    Path(place.settings.tables).write_text("a file where the folder should be")
    refused(
        lambda: places.run_night(place, NIGHT),
        errors.StorageError,
        f"cannot write {place.settings.tables}",
        "mend the folder",
    )
    assert "StorageError" in place.failed()["score"]
