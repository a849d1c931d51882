"""`nightshift pipelines`: which there are."""

from __future__ import annotations

import click

from nightshift.commands.show import json_option, print_json, print_table


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
        found.append(
            {
                "name": name,
                "question": declared.question,
                "features": len(declared.features),
                "nights": len(nights),
                "first": nights[0] if nights else None,
                "last": nights[-1] if nights else None,
            }
        )
    if as_json:
        print_json(found)
    else:
        print_table(list(found[0]), [list(pipeline.values()) for pipeline in found])
