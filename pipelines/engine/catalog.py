"""Which pipelines are there? Each folder of `pipelines/` that declares one."""

from __future__ import annotations

import importlib
from pathlib import Path

from pipelines.engine.errors import DeclarationError, UnknownPipeline, nearest
from pipelines.engine.pipeline import Pipeline

FOLDER = Path(__file__).resolve().parents[1]


def pipeline_names() -> list[str]:
    """Return the names of all pipelines, sorted."""
    folders = (path.parent.name for path in FOLDER.glob("*/__init__.py"))
    return sorted(name for name in folders if name != "engine")


def load_pipeline(name: str) -> Pipeline:
    """Import a pipeline by name.

    Raises:
        UnknownPipeline: There is no folder of that name; the message has the nearest name.
        DeclarationError: Its folder does not declare it.
    """
    known = pipeline_names()
    if name not in known:
        raise UnknownPipeline(f"no pipeline {name!r}; there are: {', '.join(known)}.{nearest(name, known)}")
    declared = getattr(importlib.import_module(f"pipelines.{name}"), name, None)
    if not isinstance(declared, Pipeline):
        raise DeclarationError(
            f"pipelines/{name}/__init__.py must set `{name} = Pipeline(name={name!r}, ...)`; it has {declared!r}"
        )
    return declared
