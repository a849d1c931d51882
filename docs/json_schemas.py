"""Write docs/schemas: a JSON Schema for the answer of each command with `--json`, made from the types that it prints.

python docs/json_schemas.py           # writes them
python docs/json_schemas.py --check   # exit code 1 if one is stale
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from pydantic import TypeAdapter

from nightshift.commands.answers import ANSWERS

FOLDER = Path(__file__).parent / "schemas"
ATTRIBUTE = re.compile(r"    (\w+(?:, \w+)*): (.*(?:\n        .*)*)")


def file_of(command: str) -> Path:
    """Return where the schema of a command belongs."""
    return FOLDER / f"{command.lower().replace(' --', '-').replace(' ', '-')}.json"


def schema_of(command: str) -> dict[str, Any]:
    """Return the schema of a command's answer; what a field means is said by the type's own text."""
    schema = TypeAdapter(ANSWERS[command]).json_schema(mode="serialization")
    known = {kind.__name__: kind for kind in _dataclasses(ANSWERS[command])}
    for name, part in [(schema.get("title"), schema), *schema.get("$defs", {}).items()]:
        if name in known:
            _describe(part, known[name])
    if "Forecast" in schema.get("$defs", {}):  # JSON knows no infinity: a night that would never end has no such time
        for said in schema["$defs"]["Forecast"]["properties"].values():
            if said.get("type") == "number":
                said["type"] = ["number", "null"]
    title = (
        "What every command prints with --json when it fails" if command == "error" else f"nightshift {command} --json"
    )
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}


def _describe(part: dict[str, Any], kind: type) -> None:
    said = inspect.getdoc(kind) or ""
    part["description"] = said.split("\n\n")[0].replace("\n", " ")
    for base in reversed(kind.__mro__):
        for names, text in ATTRIBUTE.findall(inspect.getdoc(base) or "") if is_dataclass(base) else ():
            for name in names.split(", "):
                if name in part.get("properties", {}):
                    part["properties"][name]["description"] = " ".join(text.split())


def _dataclasses(kind: Any, seen: set[Any] | None = None) -> Iterator[type]:
    """Go through a type and everything that its fields are made of."""
    seen = set() if seen is None else seen
    if kind in seen:
        return
    if isinstance(kind, type) and is_dataclass(kind):
        seen.add(kind)
        yield kind
        for field in get_type_hints(kind).values():
            yield from _dataclasses(field, seen)
    for part in get_args(kind):
        if not isinstance(part, str):
            yield from _dataclasses(part, seen)


def texts() -> Mapping[Path, str]:
    """Return what every schema's file must hold."""
    return {file_of(command): json.dumps(schema_of(command), indent=2) + "\n" for command in ANSWERS}


def stale() -> list[Path]:
    """Return the files that are not what they must be, are missing, or are of no command."""
    wanted = texts()
    wrong = [file for file, text in wanted.items() if not file.exists() or file.read_text() != text]
    return [*wrong, *sorted(set(FOLDER.glob("*.json")) - set(wanted))]


def main() -> None:
    """Write the files, or check them."""
    wrong = stale()
    if "--check" in sys.argv[1:]:
        for file in wrong:
            sys.stderr.write(f"{file} is stale; run `make schemas`\n")
        sys.exit(1 if wrong else 0)
    wanted = texts()
    FOLDER.mkdir(exist_ok=True)
    for file in wrong:
        if file in wanted:
            file.write_text(wanted[file])
        else:
            file.unlink()


if __name__ == "__main__":
    main()
