"""A gap, and the facts that gaps follow from: plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nightshift.doctor import Finding

Rule = Literal[
    "not_reviewed",
    "no_dag",
    "dag",
    "made_up_owner",
    "only_logged",
    "starts_paused",
    "few_nights",
    "no_labels",
    "no_tests",
    "no_slices",
    "no_champion",
    "no_night",
    "makes_its_rows",
    "ledger_is_a_file",
    "tracking_is_a_file",
]


@dataclass(frozen=True)
class Mark:
    """A place where something was only guessed.

    Attributes:
        file: Below the repository.
        line: Counted from 1.
        said: What stands there.
    """

    file: str
    line: int
    said: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a pipeline.

    Attributes:
        name: Its name.
        marks: What nobody has reviewed yet.
        findings: What the doctor says of its DAGs.
        dags: By DAG: its owner.
        paused: Its DAGs that are created paused.
        only_logged: Owners whose alerts only reach a log.
        window: Nights to learn from, as declared.
        delivered: Nights that have rows.
        labelled: Nights that have rows and labels.
        tests: Files of tests.
        slices: Columns whose values get metrics of their own.
        champion: The version that scores, if there is one.
        published: The newest published night, if there is one.
        makes_rows: Whether its rows are made by its own `prepare`.
        ledger_is_file: Whether the ledger is an SQLite file.
        tracking_is_file: Whether MLflow's database is one.
    """

    name: str
    marks: tuple[Mark, ...] = ()
    findings: tuple[Finding, ...] = ()
    dags: dict[str, str]
    paused: tuple[str, ...] = ()
    only_logged: tuple[str, ...] = ()
    window: int
    delivered: int
    labelled: int
    tests: int
    slices: int
    champion: str | None = None
    published: str | None = None
    makes_rows: bool = False
    ledger_is_file: bool = False
    tracking_is_file: bool = False


@dataclass(frozen=True)
class Gap:
    """Something that a pipeline lacks.

    Attributes:
        rule: Which rule it follows from.
        text: What is missing.
        way_out: What to do.
        file: Where, below the repository, if it is a place.
        line: Counted from 1; 0 if it is no place.
        blocks: Whether the pipeline must not go to production so; else it is good to know.
    """

    rule: Rule
    text: str
    way_out: str
    file: str = ""
    line: int = 0
    blocks: bool = True
