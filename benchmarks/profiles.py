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

from benchmarks.page import PROFILES
from benchmarks.places import Place
from benchmarks.studies import subjects
from benchmarks.studies.scale import make_ready, say
from pipelines.engine.settings import REPOSITORY

ROWS = 1_000_000
RATE = 50
"""Samples in a second: enough for a picture, and few enough lines in it."""
NIGHT = "2013-11-19"
AS_OF = "2013-11-01"
LARGEST = 300_000
NARROWEST = (0.1, 0.2, 0.5, 1.0, 2.0, 3.0)
"""Shares, in percent, below which frames are left out of a picture that is too large, one after the other."""
_FRAME = re.compile(r"<g><title>[^<]*, ([\d.]+)%\)</title>.*?</g>", re.DOTALL)
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
        _record([sys.executable, "-c", NIGHTSHIFT, "score", "flights", NIGHT], night, environment)
    say("scoring")
    subject = subjects.best_trees(absolute, ROWS)
    _record(subject.command, scoring, {**subject.environment})
    return [scoring, night]


def _record(command: Sequence[str], picture: Path, environment: dict[str, str]) -> None:
    pyspy = str(Path(sys.executable).with_name("py-spy"))
    look = ["--format", "flamegraph", "--function", "--rate", str(RATE), "--output", str(picture)]
    _run([pyspy, "record", *look, "--", *command], environment)
    text = picture.read_text()
    for folder in (sys.prefix, sys.base_prefix, str(REPOSITORY)):
        text = text.replace(f"{folder}/", "")
    picture.write_text(small(text, LARGEST))


def small(picture: str, largest: int) -> str:
    """Return a flame graph without its narrowest frames, so that it has at most so many letters.

    Args:
        picture: SVG as py-spy writes it: a group for each frame, whose title ends with its share of all samples.
        largest: How many letters it may have. A frame of 3 % or more is never left out.
    """
    for least in NARROWEST:
        if len(picture) <= largest:
            break
        picture = _FRAME.sub(lambda found, least=least: found[0] if float(found[1]) >= least else "", picture)
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
