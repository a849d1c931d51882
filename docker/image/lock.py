"""Choose the part of the lock that the image needs, and print it with its hashes.

The lock says below each package who asked for it (`# via`). Starting from the runtime parts of `requirements.in`, those
lines lead to everything that runs. So the image has what the tests ran with, to the byte, and there is one lock to
keep. `uv pip check` in the Dockerfile fails if something is missing.

    python lock.py requirements.in requirements.txt          what runs
    python lock.py requirements.in requirements.txt uv       these packages alone
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

LEFT_OUT = ("Docs", "Tests and tools")
"""Headings of `requirements.in` whose packages no running process needs."""
_ROOT = "-r requirements.in"
_ASKER = re.compile(r"^ +# (?:via|  ) ?(\S.*)$")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def wanted(requirements: str) -> set[str]:
    """Names of the packages in `requirements.in` that stand below none of the headings left out.

    Raises:
        ValueError: A heading left out is not there: it was renamed, and the image would grow without a word.
    """
    missing = [heading for heading in LEFT_OUT if f"# {heading}\n" not in requirements]
    if missing:
        raise ValueError(
            f"requirements.in has no heading {missing[0]!r} any more. Name the new one in docker/image/lock.py."
        )
    names, heading = set(), ""
    for line in requirements.splitlines():
        if line.startswith("#"):
            heading = line.removeprefix("#").strip()
        elif (found := _NAME.match(line)) and heading not in LEFT_OUT:
            names.add(_canonical(found.group()))
    return names


def entries(lock: str) -> list[tuple[str, str, set[str]]]:
    """The lock's packages in its order: name, lines, and who asked for it.

    One name may stand there several times, for several Pythons.
    """
    found: list[tuple[str, list[str], set[str]]] = []
    for line in lock.splitlines():
        if name := _NAME.match(line):
            found.append((_canonical(name.group()), [line], set()))
        elif found:
            found[-1][1].append(line)
            found[-1][2].update(_ASKER.findall(line))
    return [(name, "\n".join(lines), askers) for name, lines, askers in found]


def needed(roots: set[str], lock: list[tuple[str, str, set[str]]]) -> set[str]:
    """Names that the roots lead to, themselves included."""
    kept = {name for name, _, askers in lock if name in roots and _ROOT in askers}
    while True:
        more = {name for name, _, askers in lock if name not in kept and not kept.isdisjoint(askers)}
        if not more:
            return kept
        kept |= more


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main(arguments: list[str]) -> int:
    """Print the chosen part of the lock."""
    requirements, lock = Path(arguments[0]).read_text(), entries(Path(arguments[1]).read_text())
    names = set(arguments[2:]) or needed(wanted(requirements), lock)
    sys.stdout.write("".join(f"{lines}\n" for name, lines, _ in lock if name in names))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
