"""Flame graphs by py-spy: one process that scores, and one that runs a whole night."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks.machine import anonymous
from benchmarks.page import PROFILES
from benchmarks.places import Place
from benchmarks.studies import subjects
from benchmarks.studies.scale import make_ready, say

ROWS = 1_000_000
RATE = 50
"""Samples in a second: enough for a picture, and few enough lines in it."""
NIGHT = "2013-11-19"
AS_OF = "2013-11-01"
LARGEST = 300_000
NARROWEST = (0.1, 0.2, 0.5, 1.0, 2.0, 3.0)
"""Shares, in percent, below which frames are left out of a picture that is too large, one after the other."""
ROW = 16
"""Height of a frame in py-spy's pictures."""
_FRAME = re.compile(
    r'<g><title>(?P<title>[^<]*?), (?P<share>[\d.]+)%\)</title><rect x="[\d.]+%" y="(?P<y>\d+)"[^>]*'
    r'fg:x="(?P<left>\d+)" fg:w="(?P<width>\d+)"/><text x="[\d.]+%" y="(?P<line>[\d.]+)">[^<]*</text></g>'
)
_HEIGHT = re.compile(r'<svg version="1.1" width="\d+" height="(\d+)"')
NIGHTSHIFT = "from nightshift.cli import main; main()"


def draw_profiles(place: Place, folder: Path) -> list[Path]:
    """Draw both and return their paths.

    Raises:
        ClickException: Something could not be run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    absolute = Place(place.folder.resolve())
    make_ready(absolute.folder, ROWS)
    scoring, night = (folder / name for name in PROFILES)
    with tempfile.TemporaryDirectory(prefix="nightshift-profile-") as home:
        environment = {**subjects.environment(), "NIGHTSHIFT_HOME": home}
        say("a home with data and a champion")
        for words in (("migrate",), ("data", "flights"), ("train", "flights", "--as-of", AS_OF)):
            _run([sys.executable, "-c", NIGHTSHIFT, *words], environment)
        say("a night")
        _record([sys.executable, "-c", NIGHTSHIFT, "score", "flights", NIGHT], night, environment, Path(home))
    say("scoring")
    subject = subjects.compiled_trees(absolute, ROWS)
    _record(subject.command, scoring, {**subject.environment}, absolute.folder)
    return [scoring, night]


def _record(command: Sequence[str], picture: Path, environment: dict[str, str], *hidden: Path) -> None:
    pyspy = str(Path(sys.executable).with_name("py-spy"))
    look = ["--format", "flamegraph", "--function", "--rate", str(RATE), "--output", str(picture)]
    _run([pyspy, "record", *look, "--", *command], environment)
    text = picture.read_text()
    for folder in (sys.prefix, sys.base_prefix):
        text = text.replace(f"{folder}/", "")
    picture.write_text(small(cropped(without_imports(anonymous(text, *hidden))), LARGEST))


def without_imports(picture: str) -> str:
    """Return a flame graph without the frames of the import system: they say nothing, and are most of its height.

    What was above such a frame moves into its place.

    Args:
        picture: SVG as py-spy writes it: a group for each frame with its left edge and width, deeper ones further down.
    """
    frames = sorted(_FRAME.finditer(picture), key=lambda found: int(found["y"]))
    lifted: dict[int, list[tuple[int, int, int]]] = {}  # by depth: left edge, right edge, how far what lies on it moves
    drawn: dict[str, str] = {}
    for found in frames:
        y, left = int(found["y"]), int(found["left"])
        on = lifted.get(y - ROW, [])
        lift = next((moved for start, end, moved in on if start <= left < end), 0)
        hidden = "&lt;frozen importlib" in found["title"]
        lifted.setdefault(y, []).append((left, left + int(found["width"]), lift + ROW * hidden))
        drawn[found[0]] = "" if hidden else _moved(found, lift)
    return _FRAME.sub(lambda found: drawn[found[0]], picture)


def _moved(found: re.Match[str], lift: int) -> str:
    """Return a frame so much higher; its text stands on a line of its own."""
    y, line = int(found["y"]), float(found["line"])
    return found[0].replace(f' y="{y}"', f' y="{y - lift}"').replace(f' y="{found["line"]}"', f' y="{line - lift:.2f}"')


def cropped(picture: str) -> str:
    """Return a flame graph as high as its lowest frame, and the line under it, need."""
    lowest = max((int(found["y"]) for found in _FRAME.finditer(picture)), default=0) + ROW
    high = int(_HEIGHT.findall(picture)[0])
    wanted = lowest + 2 * ROW
    picture = picture.replace(f'height="{high}"', f'height="{wanted}"').replace(f' {high}"', f' {wanted}"')
    return picture.replace(
        f'id="matched" fill="rgb(0,0,0)" x="1190" y="{high - 11:.2f}"',
        f'id="matched" fill="rgb(0,0,0)" x="1190" y="{wanted - 11:.2f}"',
    )


def small(picture: str, largest: int) -> str:
    """Return a flame graph without its narrowest frames, so that it has at most so many letters.

    Args:
        picture: SVG as py-spy writes it: the title of a frame ends with its share of all samples.
        largest: How many letters it may have. A frame of 3 % or more is never left out.
    """
    for least in NARROWEST:
        if len(picture) <= largest:
            break
        picture = _FRAME.sub(lambda found, least=least: found[0] if float(found["share"]) >= least else "", picture)
    return picture


def _run(command: Sequence[str], environment: dict[str, str]) -> None:
    done = subprocess.run(  # noqa: S603 - our own programs
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-12:])
        raise click.ClickException(
            f"{Path(command[0]).name} {' '.join(command[1:3])} ended with {done.returncode}:\n{said}"
        )
