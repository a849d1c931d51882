"""Whether what a command prints with `--json` is what docs/schemas promises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schemas"


def answer_of(command: str, printed: str) -> Any:
    """Return an answer as JSON, when it is as its schema says.

    Raises:
        jsonschema.ValidationError: It is not.
    """
    file = SCHEMAS / f"{command.lower().replace(' --', '-').replace(' ', '-')}.json"
    answer = json.loads(printed)
    jsonschema.Draft202012Validator(json.loads(file.read_text())).validate(answer)
    return answer
