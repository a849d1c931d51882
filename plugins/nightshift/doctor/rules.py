"""What DAGs lack: rules about plain values."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime

from nightshift.declarations import Read
from nightshift.doctor.source import line_of
from nightshift.doctor.values import Finding, Rule
from pipelines.engine.promises.values import Declaration

NOBODY = ("", "airflow")

Covers = Callable[[str], bool]
"""Whether some route takes alerts of an owner."""


def lacks(
    read: Read, texts: Mapping[str, str], *, now: float, covers: Covers, recorded: Collection[str] = ()
) -> Iterator[Finding]:
    """Yield what the DAGs of a folder lack.

    Args:
        read: What they declare.
        texts: By file: its text, to say where.
        now: Seconds since 1970.
        covers: Whether a route takes an owner's alerts.
        recorded: Pipelines whose past can be replayed: their schedules may have ended.
    """
    for file, problem in read.problems.items():
        line = read.lines.get(file, 1)
        yield Finding(file, line, "import_error", "", problem, "Mend it: Airflow shows no DAG of this file until then")
    for declaration in read.declarations:
        line = line_of(declaration.dag_id, texts.get(declaration.file, ""))
        yield from _people(declaration, read, line, covers)
        yield from _times(declaration, line, now, recorded)


def _people(declaration: Declaration, read: Read, line: int, covers: Covers) -> Iterator[Finding]:
    """Who answers for a DAG, who hears of it, and what they are given to read."""
    dag_id = declaration.dag_id

    def found(rule: Rule, what: str, way_out: str) -> Finding:
        return Finding(declaration.file, line, rule, dag_id, what, way_out)

    ownerless = set(read.owners.get(dag_id, ())) & set(NOBODY)
    if ownerless and declaration.tasks:
        yield found(
            "no_owner",
            f"{dag_id} has tasks that nobody answers for",
            "Say who: owner= of a factory, or default_args={'owner': 'your-team'}; alerts go to that name's routes",
        )
    elif declaration.owner not in NOBODY and not covers(declaration.owner):
        yield found(
            "unknown_route",
            f"no route takes the alerts of {declaration.owner}, the owner of {dag_id}",
            "Add a route with this owner to routes.toml, or one for everybody: owner = '*'",
        )
    if dag_id not in read.documented:
        yield found(
            "no_docs",
            f"{dag_id} has no page: nobody learns at night what it does and what to do if it fails",
            "Write it at the top of the file, and pass doc_md=__doc__",
        )


def _times(declaration: Declaration, line: int, now: float, recorded: Collection[str]) -> Iterator[Finding]:
    """What a DAG promises, and whether anybody will look."""
    dag_id = declaration.dag_id

    def found(rule: Rule, what: str, way_out: str) -> Finding:
        return Finding(declaration.file, line, rule, dag_id, what, way_out)

    promised = [promise for promise in declaration.promises if promise.kind != "succeed"]
    over = declaration.ends is not None and declaration.ends < now and declaration.pipeline not in recorded
    if declaration.schedule is not None and not promised and not over:
        yield found(
            "no_promise",
            f"{dag_id} runs by the clock ({declaration.schedule}), but nobody knows when it is late",
            "Say until when it is needed: finish_by= or finish_within= of a factory, or DAG(..., deadline=promise(...))",
        )
    if promised and declaration.ends is not None and over:
        ended = datetime.fromtimestamp(declaration.ends, UTC).date()
        yield found(
            "promise_has_ended",
            f"{dag_id} promises something, but its schedule ended on {ended}: the promise is never looked at",
            "Take end_date out, or the promise",
        )
