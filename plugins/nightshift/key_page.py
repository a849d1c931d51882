"""One page for one key: what it stands for, what came out, and who held it when."""

from __future__ import annotations

import json
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape

from pipelines.engine.ledger.values import Entry, Event, iso
from pipelines.engine.views.stories import sentence


def render_key(entry: Entry, events: list[Event], superseded: object = None) -> str:
    """Return the page as HTML; `superseded` says in words what took the key's place."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(["j2"], default=True)
    )
    lines = [(iso(event.at), event.fence, event.generation, sentence(event)) for event in events]
    return environment.get_template("key.html.j2").render(
        entry=entry,
        superseded=superseded,
        claimed_at=iso(entry.claimed_at),
        identity=json.dumps(entry.identity, indent=2, sort_keys=True),
        result=json.dumps(entry.result, indent=2, sort_keys=True) if entry.result else None,
        lines=lines,
    )
