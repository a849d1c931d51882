"""From a design to the text of files, formatted as `make format` would do it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightshift.scaffold.bounds import Bounds, learn
from nightshift.scaffold.made_up import made_up_column, made_up_label, outside
from nightshift.scaffold.review import MARK
from nightshift.scaffold.values import Design
from pipelines.engine.errors import NightshiftError
from pipelines.engine.settings import REPOSITORY

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
FILES: Mapping[str, str] = {
    "pipelines/{name}/__init__.py": "pipeline.py.j2",
    "pipelines/{name}/model.py": "model.py.j2",
    "data_checks/suites/{name}_rows.py": "rows_suite.py.j2",
    "data_checks/suites/{name}_labels.py": "labels_suite.py.j2",
    "dags/{name}.py": "dag.py.j2",
    "tests/pipelines/{name}/test_{name}.py": "test_pipeline.py.j2",
    "tests/dags/test_{name}.py": "test_dag.py.j2",
}
"""Each file of a new pipeline, below the repository, and its template."""
TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - where the linter wants a word about a path
OBJECTIVES = {"binary": "binary", "multiclass": "multiclass", "regression": "regression"}
GIVES = {
    "binary": "the probability of 1",
    "multiclass": "the probability of each class",
    "regression": "the value",
}


ORDERED = (
    "--select",
    "I",
    "--fix",
    "--quiet",
    "--config",
    f"src = {['.', str(REPOSITORY), str(REPOSITORY / 'plugins')]}",
)
"""Which import comes first depends on the pipeline's name, and on which packages are our own."""


class NotWritten(NightshiftError):
    """What was written cannot be used, and was taken back."""


def file_names(name: str) -> list[str]:
    """Return the files of a new pipeline, below the repository."""
    return [path.format(name=name) for path in FILES]


def question_of(design: Design) -> str:
    """Return what the model answers, in one sentence."""
    label, target = design.wishes.label, design.target
    if target.kind == "regression":
        return f"What will {label} be for each of the night's rows?"
    if target.kind == "multiclass":
        return f"Which {label} will each of the night's rows have?"
    if target.one_where is None:
        return f"How likely is it that {label} is 1 for each of the night's rows?"
    return f"How likely is it that {label} will be {target.one_where} for each of the night's rows?"


def render(design: Design, source: str) -> dict[str, str]:
    """Return the text of each file.

    Args:
        design: The pipeline.
        source: Where the data is, as people may read it: no password in it.

    Raises:
        NotWritten: A text cannot be formatted, which is a mistake of ours.
    """
    words = _words(design, source)
    texts = {
        path.format(name=design.wishes.name): _templates()
        .get_template(template)
        .render(words | _words_of(template, design))
        for path, template in FILES.items()
    }
    return formatted(texts)


def formatted(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the texts of modules, by path, as ruff writes them.

    Raises:
        NotWritten: One of them is no Python.
    """
    options = ("--isolated", "--no-cache", "--line-length", "120", "--target-version", "py311")
    with tempfile.TemporaryDirectory(prefix="nightshift-new-") as folder:
        for path, text in texts.items():
            Path(folder, path).parent.mkdir(parents=True, exist_ok=True)
            Path(folder, path).write_text(text, encoding="utf-8")
        for words in (["check", *ORDERED, *options, "."], ["format", *options, "."]):
            command = [sys.executable, "-m", "ruff", *words]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
            if done.returncode:
                raise NotWritten(f"what would be written is no Python: {(done.stderr or done.stdout).strip()[:500]}")
        return {path: Path(folder, path).read_text(encoding="utf-8") for path in texts}


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(  # noqa: S701 - it writes Python, not HTML; whatever comes from outside passes `py` or `prose`
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {"py": python, "prose": prose, "title_of": lambda name: name.replace("_", " ").capitalize()}
    return made


def python(value: object) -> str:
    """Return a value as Python source; a long collection ends in a comma, so that each entry gets a line of its own."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{python(key)}: {python(each)}" for key, each in value.items()) + "}"
    if isinstance(value, tuple | list):
        ends = "()" if isinstance(value, tuple) else "[]"
        comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
        return ends[0] + ", ".join(map(python, value)) + comma + ends[1]
    return repr(value)


def prose(text: str) -> str:
    """Return a text that may stand in a docstring, whatever is in it."""
    return " ".join(text.replace("\\", "\\\\").replace('"""', "'''").split())


def _words(design: Design, source: str) -> dict[str, Any]:
    nights = list(design.seen.nights)
    table = design.wishes.table
    names = [
        "Checks",
        "ColumnType",
        "Gate",
        "Labels",
        "Pipeline",
        "Rows",
        "Window",
        *([] if table else ["Prepared", "Progress"]),
    ]
    return {
        "design": design,
        "question": question_of(design),
        "source": source,
        "temporary": source.startswith(TEMPORARY),
        "table": table,
        "labels_table": design.wishes.labels_table,
        "first": nights[0],
        "last": nights[-1],
        "mark": MARK,
        "imports": ", ".join(sorted(names)),
        "ids_listed": ", ".join(map(repr, design.wishes.ids)),
        "learnt_from": f"{design.seen.rows:,} rows of {len(nights)} nights, {nights[0]} to {nights[-1]}",
        "gives": GIVES[design.target.kind],
        "objective": OBJECTIVES[design.target.kind],
    }


def _words_of(template: str, design: Design) -> dict[str, Any]:
    """What only one template says."""
    if template == "rows_suite.py.j2":
        bounds = learn(design.seen, design.features)
        strict = ["quarantine"] if bounds.always_known or bounds.ranges else []
        return {"bounds": bounds, "words": ["critical", *strict, "warning"], "gaps": design.gaps}
    if template == "labels_suite.py.j2":
        return _words_of_labels(design, learn(design.seen, [design.wishes.label]))
    if template == "test_pipeline.py.j2":
        return _words_of_test(design, learn(design.seen, design.features))
    return {}


def _words_of_labels(design: Design, bounds: Bounds) -> dict[str, Any]:
    share = _usual_share(design) if design.target.kind == "binary" else None
    words = ["critical", *([] if design.target.classes else ["quarantine"]), *(["warning"] if share else [])]
    return {"gaps": (), "bounds": bounds, "classes": design.target.classes, "share": share, "words": words}


def _usual_share(design: Design) -> tuple[float, float] | None:
    """Return between what the share of 1 usually lies; None for truth values, of which no mean is taken."""
    if design.target.column_type == "bool":
        return None
    label = design.seen.columns[design.wishes.label]
    one = 1 if design.target.one_where is None else design.target.one_where
    share = label.values.get(one, 0) / label.known
    return round(share / 3, 2), round(1 - (1 - share) / 3, 2)


def _words_of_test(design: Design, bounds: Bounds) -> dict[str, Any]:
    counts = sorted(design.seen.nights.values())
    count = counts[len(counts) // 2]
    one = design.target.one_where
    label = design.seen.columns[design.wishes.label]
    names = [design.wishes.name, *([] if design.wishes.table else ["prepare"])]
    zero = next((value for value in label.values if value != one), None)
    return {
        "count": count,
        "tested": [*([] if design.wishes.table else ["LABELS", "ROWS"]), *sorted(names)],
        "made_rows": {name: made_up_column(design, name, kind, bounds) for name, kind in design.rows.items()},
        "made_label": made_up_label(design, count),
        "label_names": ", ".join(map(repr, [name for name in design.labels if name != design.wishes.label])),
        "refused": outside(design, bounds),
        "one_where": None if one is None else f"{{1: {one!r}, 0: {zero!r}}}",
    }
