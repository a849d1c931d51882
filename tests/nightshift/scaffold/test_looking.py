"""What the data shows, counted by DuckDB."""

from dataclasses import replace

import pandas as pd
import pytest

from nightshift.scaffold.create import create
from nightshift.scaffold.looking import kind_of, look
from nightshift.scaffold.values import Wishes
from pipelines.engine.dealing import open_source
from pipelines.engine.errors import UsageError
from tests.nightshift.scaffold.tables import FIRST, LAST, NIGHTS, PER_NIGHT, leaves, visits

WISHES = Wishes(name="x", source="", ids=("patient",), label="outcome", partition="day", owner="us")
LEAVES = replace(WISHES, ids=("leaf_id",), label="species", partition="measured_at")


def looked(tmp_path, frame, wishes=WISHES):
    path = tmp_path / "source.parquet"
    frame.to_parquet(path, index=False)
    with open_source(path) as connection:
        return look(connection, replace(wishes, source=str(path)), {})


def test_columns_and_nights_are_counted(tmp_path):
    frame = visits()
    found = looked(tmp_path, frame)
    assert found.rows == found.labelled == NIGHTS * PER_NIGHT
    assert found.nights == {str(night): PER_NIGHT for night in pd.date_range(FIRST, LAST).date}
    assert found.repeated
    age, weight, clinic = (found.columns[name] for name in ("age", "weight", "clinic"))
    assert (age.kind, age.low, age.high) == ("int64", frame["age"].min(), frame["age"].max())
    assert weight.known == frame["weight"].notna().sum()
    assert dict(clinic.values) == frame["clinic"].value_counts().to_dict()
    assert found.columns["note"].distinct == pytest.approx(len(frame), rel=0.1)


def test_times_are_cut_into_nights_and_new_ids_each_night_are_seen(tmp_path):
    found = looked(tmp_path, leaves(), LEAVES)
    assert (len(found.nights), found.repeated) == (NIGHTS, False)
    assert found.columns["is_wet"].kind == "bool"


@pytest.mark.parametrize(
    ("echo", "least", "most"),
    [
        (lambda frame: frame["outcome"].map({"came back": 0, "stayed away": 9}), 0.99, 1),
        (lambda frame: frame["outcome"].where(frame["outcome"] == "came back"), 0.99, 1),
        (lambda frame: frame["outcome"].str.len() + frame.index % 1000 / 1e4, 0.95, 1),
        (lambda frame: frame.index % 7, 0, 0.2),
    ],
    ids=["another name", "only where it is yes", "with a little noise", "nothing to do with it"],
)
def test_an_echo_of_the_label_tells_nearly_all_of_it(tmp_path, echo, least, most):
    frame = visits()
    found = looked(tmp_path, frame.assign(echo=echo(frame)))
    assert least <= found.tells["echo"] <= most


def test_an_echo_of_an_amount_tells_nearly_all_of_it(tmp_path):
    frame = leaves()
    found = looked(tmp_path, frame.assign(inches=frame["length_cm"] / 2.54), replace(LEAVES, label="length_cm"))
    assert found.tells["inches"] > 0.97
    assert found.tells["width_cm"] < 0.9
    assert found.spread == pytest.approx(frame["length_cm"].std(ddof=0))


@pytest.mark.parametrize(
    ("spoil", "changes", "words"),
    [
        (lambda f: f, {"label": "outcomes"}, "--label 'outcomes': no such column. Did you mean 'outcome'?"),
        (lambda f: f, {"ids": ("pateint",)}, "--id 'pateint': no such column. Did you mean 'patient'?"),
        (lambda f: f.assign(score=f.index), {"ids": ("score",)}, "the predictions table has a column of this name"),
        (lambda f: f.assign(__left=0), {"label": "__left"}, "begin with __ are kept for our own"),
        (lambda f: f, {"label": "patient"}, "names the row or its night, too"),
        (lambda f: f, {"partition": "clinic"}, r"1,920 rows have no date there, such as '\w+'"),
        (lambda f: pd.concat([f, f[:1]]), {}, "patient 1000 is there 2 times in the night 2026-03-02"),
        (lambda f: f.assign(patient=f["patient"].where(f.index > 2)), {}, "3 rows have none. Every row needs a name"),
        (lambda f: f[:0], {}, "holds no row"),
    ],
)
def test_data_that_cannot_be_used_is_refused_in_words(tmp_path, spoil, changes, words):
    with pytest.raises(UsageError, match=words):
        looked(tmp_path, spoil(visits()), replace(WISHES, **changes))


def test_types_have_our_words_or_none():
    kinds = {
        "INTEGER": "int64",
        "UBIGINT": "double",
        "DECIMAL(18,3)": "double",
        "ENUM('a', 'b')": "string",
        "DATE": "timestamp",
        "TIMESTAMP WITH TIME ZONE": "timestamp",
        "BOOLEAN": "bool",
        "INTERVAL": None,
        "VARCHAR[]": None,
        "STRUCT(a INTEGER)": None,
        "BLOB": None,
    }
    assert {name: kind_of(name) for name in kinds} == kinds


@pytest.fixture
def source(tmp_path):
    visits().to_csv(tmp_path / "visits.csv", index=False)
    return replace(WISHES, name="visits_again", source=str(tmp_path / "visits.csv"))


def test_a_dry_run_writes_nothing_and_says_what_it_would(tmp_path, source):
    root = tmp_path / "repository"
    root.mkdir()
    made = create(root, source, dry_run=True)
    assert "pipelines/visits_again/__init__.py" in made.files
    assert made.next_commands[-1] == f"nightshift score visits_again {LAST}"
    assert list(root.iterdir()) == []


def test_a_file_that_exists_is_never_overwritten(tmp_path, source):
    mine = tmp_path / "dags/visits_again.py"
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(UsageError, match=r"exist already:\n  - dags/visits_again\.py\n"):
        create(tmp_path, source)
    assert mine.read_text() == "mine"
    assert not (tmp_path / "pipelines").exists()
