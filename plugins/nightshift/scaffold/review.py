"""What `nightshift new` could only guess carries a mark, until a person has looked at it and takes the mark out."""

from __future__ import annotations

from collections.abc import Iterator

MARK = "To be reviewed:"


def marked(text: str) -> Iterator[tuple[int, str]]:
    """Yield each mark of a file: its line, counted from 1, and what is said there."""
    for number, line in enumerate(text.splitlines(), start=1):
        _, found, said = line.partition(MARK)
        if found:
            yield number, said.strip().strip('"').strip()


def made_up_owner(pipeline: str) -> str:
    """Return who answers for a pipeline until somebody says who."""
    return f"{pipeline.replace('_', '-')}-team"
