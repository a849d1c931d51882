"""One key: what it stands for, what came out, and who held it when."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from nightshift.pages.asking import house
from nightshift.pages.rendering import page
from nightshift.pages.security import Asking

if TYPE_CHECKING:
    from pipelines.engine.ledger.values import Entry
    from pipelines.engine.views.stories import Story

router = APIRouter()


@router.get("/keys/{digest}")
def key(request: Request, asking: Asking, digest: str) -> HTMLResponse:
    """Show what happened to a key."""
    found = house().key(digest)
    if found is None:
        raise HTTPException(
            404, f"the ledger has no key {digest[:80]}; `nightshift keys list PIPELINE` lists those of a pipeline"
        )
    entry, story = found
    asking.require("GET", entry.pipeline)
    return page(request, "key", **values_of(entry, story))


def values_of(entry: Entry, story: Story) -> dict[str, Any]:
    """Return what the template shows of a key."""
    return {
        "section": None,
        "story": story,
        "night": entry.partition.partition("#")[0],
        "identity": _indented(entry.identity),
        "result": _indented(entry.result) if entry.result else None,
    }


def _indented(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
