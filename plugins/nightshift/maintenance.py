"""Whose rubbish is meant, as the command line and the operator say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.engine.catalog import load_pipeline, pipeline_names

if TYPE_CHECKING:
    from pipelines.engine.pipeline import Pipeline


def pipelines_of(name: str | None) -> list[Pipeline]:
    """Return the pipeline of that name, or all of them.

    Raises:
        UnknownPipeline: There is none of that name.
        DeclarationError: One of them cannot be used.
    """
    return [load_pipeline(each) for each in ([name] if name else pipeline_names())]
