"""`nightshift new`: from wishes to files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from nightshift.dags_page import refresh
from nightshift.scaffold.choices import design
from nightshift.scaffold.database import export
from nightshift.scaffold.looking import look
from nightshift.scaffold.names import check_name
from nightshift.scaffold.opening import opened, shown
from nightshift.scaffold.rendering import file_names, render
from nightshift.scaffold.values import Design, Wishes
from nightshift.scaffold.writing import check_free, write_all


@dataclass(frozen=True)
class Created:
    """A pipeline that was written, or would be.

    Attributes:
        design: What it is.
        files: The files, below the repository; with the page about the DAGs, if it speaks of the new ones now.
    """

    design: Design
    files: tuple[str, ...]

    @property
    def next_commands(self) -> tuple[str, ...]:
        """What to type next."""
        name, nights = self.design.wishes.name, self.design.nights
        return (
            *([export(self.design.wishes)] if self.design.wishes.table else []),
            f"nightshift data {name}",
            f"nightshift train {name} --as-of {nights.as_of}",
            f"nightshift score {name} {nights.scored}",
        )

    @property
    def airflow_commands(self) -> tuple[str, ...]:
        """What to type to have the same night done by Airflow."""
        name, night = self.design.wishes.name, self.design.nights.scored
        after = date.fromisoformat(night) + timedelta(days=1)
        return (
            "nightshift up",
            f"nightshift airflow dags unpause --yes {name}_scoring",
            f"nightshift airflow backfill create --dag-id {name}_scoring --from-date {night} --to-date {after}",
        )


def create(root: Path, wishes: Wishes, *, dry_run: bool = False) -> Created:
    """Look at the data, and write a pipeline that learns from it.

    Args:
        root: The repository.
        wishes: What was asked for.
        dry_run: Write nothing.

    Raises:
        UsageError: The name, the data or a column cannot be used, or a file exists.
        DataError: The data cannot be read.
        NotWritten: What would be written cannot be used.
    """
    check_name(wishes.name)
    check_free(root, file_names(wishes.name))
    with opened(wishes) as data:
        made = design(wishes, look(data.connection, wishes, data.unread))
    texts = render(made, shown(wishes))
    files = tuple(texts)
    if not dry_run:
        write_all(root, texts, wishes.name)
        files += refresh(root)
    return Created(made, files)
