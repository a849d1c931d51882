"""What the text of a DAG file shows. Nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nightshift.doctor.values import Finding

SLA_WORDS = ("sla", "sla_miss_callback")
SLA_WAY_OUT = (
    "Airflow 3 ignores it without a word. For a task write due_within(task, timedelta(...)), "
    "for the whole DAG deadline=promise(finish_by=..., timezone=...) or a factory's finish_by="
)
FACTORIES = {"scoring_dag": "_scoring", "training_dag": "_training", "maintenance_dag": "_maintenance"}


def sla_findings(file: str, text: str) -> Iterator[Finding]:
    """Yield each place where a file still speaks of SLAs: as an argument, in a dictionary, or by assignment."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return  # an import error says it better
    for node in ast.walk(tree):
        for line, word in _slas(node):
            yield Finding(file, line, "sla", "", f"{word} is set, which does nothing since Airflow 3", SLA_WAY_OUT)


def _slas(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.keyword) and node.arg in SLA_WORDS:
        if not (isinstance(node.value, ast.Constant) and node.value.value is None):
            yield node.value.lineno, f"{node.arg}="
    elif isinstance(node, ast.Dict):
        for key in node.keys:
            if isinstance(key, ast.Constant) and key.value in SLA_WORDS:
                yield key.lineno, f'"{key.value}"'
    elif isinstance(node, ast.Assign):
        yield from _assigned(node.targets)


def _assigned(targets: list[ast.expr]) -> Iterator[tuple[int, str]]:
    for target in targets:
        if isinstance(target, ast.Attribute) and target.attr in SLA_WORDS:
            yield target.lineno, f".{target.attr}"
        key = target.slice if isinstance(target, ast.Subscript) else None
        if isinstance(key, ast.Constant) and key.value in SLA_WORDS:
            yield target.lineno, f'["{key.value}"]'


def line_of(dag_id: str, text: str) -> int:
    """Return the line of a file that makes a DAG, as far as its text shows it; 1 where it does not."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return 1
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = [call.lineno for call in calls if _names(call, dag_id)]
    functions = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == dag_id]
    made = [call.lineno for call in calls if dag_id.endswith(FACTORIES.get(_called(call), "\0"))]
    return next(iter([*named, *functions, *made]), 1)


def _names(call: ast.Call, dag_id: str) -> bool:
    given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "dag_id")]
    return _called(call) in ("DAG", "dag") and any(
        isinstance(value, ast.Constant) and value.value == dag_id for value in given
    )


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
