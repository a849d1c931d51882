"""`nightshift pipelines`: which there are."""

from __future__ import annotations

from dataclasses import dataclass

import click

from nightshift.commands.show import json_option, print_json, print_table


@dataclass(frozen=True)
class ListedPipeline:
    """One pipeline of this repository.

    Attributes:
        name, question: As it is declared.
        features: How many there are.
        nights: For how many nights rows were delivered.
        first, last: Of these; None without any.
    """

    name: str
    question: str
    features: int
    nights: int
    first: str | None
    last: str | None


@click.command
@json_option
def pipelines(as_json: bool) -> None:
    """List the pipelines of this repository."""
    from nightshift.connections import open_storage
    from pipelines.engine.catalog import load_pipeline, pipeline_names
    from pipelines.engine.rows import known_nights
    from pipelines.engine.settings import read_settings

    settings = read_settings()
    data = open_storage(settings).at(settings.data)
    found = []
    for name in pipeline_names():
        declared, nights = load_pipeline(name), known_nights(data / name / "rows")
        first, last = (nights[0], nights[-1]) if nights else (None, None)
        found.append(ListedPipeline(name, declared.question, len(declared.features), len(nights), first, last))
    if as_json:
        print_json(found)
    else:
        columns = tuple(ListedPipeline.__dataclass_fields__)
        print_table(
            columns, [[getattr(one, name) for name in columns] for one in found], spare=("features", "question")
        )
