"""The digest of the code changes with the lines that a step can reach, and with no others."""

import subprocess
import sys
from textwrap import dedent

import pytest

from pipelines.engine import code
from pipelines.engine.code import code_digest, reachable

HEAVY = ("pyarrow", "pandas", "numpy", "sklearn", "lightgbm", "mlflow", "great_expectations", "deltalake")


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A small repository: `write` puts a module there, and the digests forget what they read before."""
    monkeypatch.setattr(code, "ROOT", tmp_path)

    def write(name, source=""):
        path = tmp_path.joinpath(*name.split("."))
        path = path / "__init__.py" if name.endswith("flights") else path.with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(source))
        forget()

    def forget():
        code_digest.cache_clear()
        code._imported_by.cache_clear()

    write("pipelines.flights", "from pipelines.flights.model import fit")
    write("pipelines.flights.model", "from pipelines.engine import encoding\nimport numpy\n")
    write("pipelines.engine.encoding", "from pipelines.engine.errors import Wrong\n")
    write("pipelines.engine.errors", "class Wrong(Exception): ...")
    write("pipelines.engine.other")
    yield write
    forget()


def root_digest():
    return code_digest("pipelines.flights.model")


def test_modules_are_reached_through_others(tree):
    assert reachable(["pipelines.flights.model"]) == {"pipelines.flights.model", "pipelines.engine.encoding"}


@pytest.mark.parametrize("name", ["pipelines.flights.model", "pipelines.engine.encoding"])
def test_comment_in_a_reachable_module_changes_the_digest(tree, tmp_path, name):
    before = root_digest()
    source = tmp_path.joinpath(*name.split(".")).with_suffix(".py").read_text()
    tree(name, source + "# why\n")
    assert root_digest() != before
    tree(name, source)
    assert root_digest() == before


@pytest.mark.parametrize("name", ["pipelines.engine.other", "pipelines.engine.errors", "plugins.nightshift.cli"])
def test_modules_that_are_not_reached_or_have_no_effect_do_not_count(tree, name):
    before = root_digest()
    tree(name, "changed = True")
    assert root_digest() == before


@pytest.mark.parametrize("package", code.WITHOUT_EFFECT)
def test_what_only_keeps_or_shows_work_does_not_count_however_deep(tree, package):
    tree("pipelines.flights.model", f"import {package}\nimport {package}.deep.inside\nfrom {package} import name")
    before = root_digest()
    tree(package, "changed = True")
    tree(f"{package}.deep.inside", "changed = True")
    assert root_digest() == before


def test_module_with_a_name_that_only_begins_alike_does_count(tree):
    tree("pipelines.engine.errors_model", "")
    tree("pipelines.flights.model", "import pipelines.engine.errors_model")
    before = root_digest()
    tree("pipelines.engine.errors_model", "changed = True")
    assert root_digest() != before


@pytest.mark.parametrize(
    "statement",
    [
        "import pipelines.engine.new",
        "from pipelines.engine import new",
        "from pipelines.engine.new import thing",
        "from ..engine import new",
        "from ..engine.new import thing",
        "def work():\n    from pipelines.engine import new as late",
        "if True:\n    import pipelines.engine.new as new",
    ],
)
def test_every_way_to_import_is_seen(tree, statement):
    tree("pipelines.engine.new")
    tree("pipelines.flights.model", statement)
    assert "pipelines.engine.new" in reachable(["pipelines.flights.model"])


def test_sibling_is_reached_from_a_package_file(tree):
    tree("pipelines.flights", "from .model import fit\nfrom . import data")
    tree("pipelines.flights.data")
    assert {"pipelines.flights.model", "pipelines.flights.data"} < reachable(["pipelines.flights"])


def test_modules_that_import_each_other_are_reached_once(tree):
    tree("pipelines.engine.encoding", "import pipelines.flights.model")
    assert reachable(["pipelines.flights.model"]) == {"pipelines.flights.model", "pipelines.engine.encoding"}


def test_renamed_module_changes_the_digest(tree):
    tree("pipelines.engine.new", "")
    tree("pipelines.engine.old", "")
    assert code_digest("pipelines.engine.new") != code_digest("pipelines.engine.old")


def test_order_of_roots_does_not_matter(tree):
    one, other = "pipelines.flights.model", "pipelines.engine.other"
    assert code_digest(one, other) == code_digest(other, one)


def test_scoring_reaches_what_makes_scores_and_not_the_ledger():
    found = reachable(["pipelines.engine.scoring", "pipelines.engine.package"])
    assert {"pipelines.engine.scoring", "pipelines.engine.encoding", "pipelines.engine.models.lightgbm"} <= found
    assert not {name for name in found if name.startswith(("pipelines.engine.ledger", "model_registry"))}


def test_one_more_suite_in_the_list_changes_no_work_of_others():
    reached = reachable(["pipelines.engine.steps.checking", "data_checks.suites.flights_rows"])
    assert "data_checks.suites" not in reached
    assert {"data_checks.suites.flights_rows", "data_checks.suites._flights", "data_checks.runner"} <= reached


def test_heavy_modules_are_read_and_not_imported():
    script = f"""
        import sys
        from pipelines.engine.code import code_digest
        code_digest("pipelines.engine.scoring", "pipelines.engine.training", "data_checks.suites.flights_rows")
        sys.stdout.write(" ".join(name for name in {HEAVY!r} if name in sys.modules))
    """
    ended = subprocess.run([sys.executable, "-c", dedent(script)], cwd=code.ROOT, capture_output=True, text=True)
    assert (ended.stdout, ended.returncode) == ("", 0), ended.stderr


def test_what_was_read_ahead_hides_no_change_of_a_source(tree, monkeypatch):
    tree("pipelines.engine.one", "from pipelines.engine import two")
    tree("pipelines.engine.two", "A = 1")
    monkeypatch.setitem(sys.modules, "pipelines.engine.one", sys)
    code.read_ahead()
    assert code._imported_by.cache_info().currsize >= 2
    before = code_digest("pipelines.engine.one")
    code_digest.cache_clear()
    (code.ROOT / "pipelines" / "engine" / "two.py").write_text("A = 2")
    assert code_digest("pipelines.engine.one") != before
