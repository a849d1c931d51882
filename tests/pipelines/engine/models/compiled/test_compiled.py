"""A compiled model scores as its booster does, to the last bit, whatever the rows hold; or it is not used."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipelines.engine.models.compiled import CannotCompile, CompiledScorer, MachineCode, compile_package, processor
from pipelines.engine.models.compiled.build import build
from pipelines.engine.models.compiled.sample import sample
from pipelines.engine.package import load_scorer
from tests.pipelines.engine.models import boosters

LETTERS = st.sampled_from([*boosters.LETTERS, "unseen", "", None])
NUMBERS = st.one_of(
    st.floats(), st.sampled_from([0.0, -0.0, 1.0, 2.0, 1e-35, -1e-40, float("nan"), float("inf")]), st.none()
)


def rows(letters, sizes, counts):
    return pa.record_batch(
        {
            "letter": pa.array(letters, pa.string()).dictionary_encode(),
            "size": pa.array(sizes, pa.float64()),
            "count": pa.array(counts, pa.int64()),  # whole numbers where the training had doubles
            "sign": pa.array(sizes[::-1], pa.float64()),
        }
    )


@pytest.fixture(scope="module", params=list(boosters.KINDS))
def both(request, tmp_path_factory):
    """A compiled scorer of each kind of booster, and the plain one."""
    folder = boosters.package(tmp_path_factory.mktemp("kind") / "package", **boosters.KINDS[request.param])
    build(folder, folder.parent / "model.o")
    compiled = load_scorer(folder, compiled=folder.parent / "model.o")
    assert isinstance(compiled, CompiledScorer)
    return compiled, load_scorer(folder)


@settings(max_examples=60, deadline=None)
@given(table=st.lists(st.tuples(LETTERS, NUMBERS, st.one_of(st.integers(-(2**53), 2**53), st.none())), max_size=40))
def test_scores_are_the_same_bit_for_bit_on_odd_rows(both, table):
    compiled, plain = both
    letters, sizes, counts = ([row[place] for row in table] for place in range(3))
    batch = rows(letters, sizes, counts)
    np.testing.assert_array_equal(compiled.predict(batch), plain.predict(batch))
    assert compiled.difference(batch) is None


@settings(max_examples=40, deadline=None)
@given(matrix=arrays.arrays(np.float64, (8, 2), elements=st.floats(width=64)))
def test_scores_are_the_same_for_any_bits_of_a_number(both, matrix):
    compiled, plain = both
    batch = rows(["a"] * 8, list(matrix[:, 0]), [3] * 8)
    np.testing.assert_array_equal(compiled.predict(batch), plain.predict(batch))


def test_several_blocks_of_rows_are_scored_in_their_places(both):
    compiled, plain = both
    chance = np.random.default_rng(2)
    number = 10_001
    batch = rows(list(chance.choice(boosters.LETTERS, number)), list(chance.normal(size=number)), [1] * number)
    np.testing.assert_array_equal(compiled.predict(batch), plain.predict(batch))


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return boosters.package(tmp_path_factory.mktemp("package") / "package")


@pytest.fixture(scope="module")
def machine_code(package):
    """The object file, as a process of its own makes it."""
    compile_package(package, package.parent / "model.o", longest_seconds=60)
    return package.parent / "model.o"


def test_what_a_process_of_its_own_compiled_can_be_loaded_here(package, machine_code):
    compiled = load_scorer(package, compiled=machine_code)
    assert (compiled.name, compiled.plain.name) == ("compiled", "plain")
    assert compiled.difference(rows(["a", None], [1.0, None], [0, 7])) is None


def test_another_model_is_found_out_on_the_first_rows(package, tmp_path):
    other = boosters.package(tmp_path / "other", num_leaves=3)
    build(other, tmp_path / "other.o")
    wrong = load_scorer(package, compiled=tmp_path / "other.o")
    said = wrong.difference(rows(["a", "b"] * 50, [0.1, 0.9] * 50, [1, 2] * 50))
    assert said is not None
    assert said.startswith("the compiled model gave other scores than the plain one for ")


def test_a_model_that_would_score_otherwise_is_not_compiled(tmp_path):
    folder = boosters.package(tmp_path / "linear", linear_tree=True)
    with pytest.raises(CannotCompile, match=r"it gave other scores for \d+ of 8192 rows"):
        compile_package(folder, tmp_path / "model.o", longest_seconds=60)
    assert not (tmp_path / "model.o").exists()


def test_another_family_is_not_compiled(tmp_path):
    with pytest.raises(CannotCompile, match="only LightGBM's trees are compiled"):
        compile_package(tmp_path, tmp_path / "model.o", longest_seconds=60)


def test_a_model_of_several_classes_is_left_to_its_own_library(package, tmp_path):
    (tmp_path / "model.txt").write_text((package / "model.txt").read_text())
    (tmp_path / "package.json").write_text('{"kind": "multiclass"}')
    with pytest.raises(CannotCompile, match="several numbers for each row"):
        compile_package(tmp_path, tmp_path / "model.o", longest_seconds=60)


def test_a_broken_model_is_said_in_one_line(package, tmp_path):
    (tmp_path / "model.txt").write_text((package / "model.txt").read_text()[:900])
    for name in ("encoding.json", "package.json"):
        (tmp_path / name).write_text((package / name).read_text())
    with pytest.raises(CannotCompile) as said:
        compile_package(tmp_path, tmp_path / "model.o", longest_seconds=60)
    assert len(str(said.value).splitlines()) == 1
    assert not (tmp_path / "model.o").exists()


def test_a_compiler_that_takes_too_long_is_stopped(package, tmp_path):
    with pytest.raises(CannotCompile, match="the compiler was stopped after 0 s"):
        compile_package(package, tmp_path / "model.o", longest_seconds=0.05)
    assert not (tmp_path / "model.o").exists()


def test_the_sample_tries_every_threshold_from_both_sides(package):
    matrix = sample(package / "model.txt", boosters.ENCODING)
    np.testing.assert_array_equal(matrix, sample(package / "model.txt", boosters.ENCODING))
    texts = [line for line in (package / "model.txt").read_text().splitlines() if "=" in line]
    columns = [line[14:].split() for line in texts if line.startswith("split_feature=")]
    edges = [line[10:].split() for line in texts if line.startswith("threshold=")]
    tried = 0
    for names, numbers in zip(columns, edges, strict=True):
        for name, number in zip(names, numbers, strict=True):
            edge = float(number)
            if name != "0" and abs(edge) > 1e-30:
                cells = matrix[:, int(name)]
                tried += 1
                assert {edge, np.nextafter(edge, np.inf), np.nextafter(edge, -np.inf)} <= set(cells)
    assert tried > 20
    assert np.isnan(matrix).any(axis=0).all()
    assert set(matrix[~np.isnan(matrix[:, 0]), 0]) == set(range(12))


def test_code_is_not_called_with_rows_of_another_form(machine_code):
    code = MachineCode(machine_code, 4)
    for matrix in (np.zeros((3, 5)), np.zeros((2, 4)), np.zeros((3, 4), np.float32), np.zeros((4, 3)).T):
        with pytest.raises(ValueError, match="expected 4 columns of float64"):
            code.predict(matrix, np.zeros(3))


def test_the_processor_has_a_short_name_that_can_be_part_of_a_file_name():
    assert processor() == processor()
    assert len(processor()) < 60
    assert "/" not in processor()
