"""Flame graphs by py-spy: one process that scores, and one that runs a whole night."""

from __future__ import annotations

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
NIGHTSHIFT = "from nightshift.cli import main; main()"


def draw_profiles(place: Place, folder: Path) -> list[Path]:
    """Draw both and return their paths.

    Raises:
        ClickException: Something could not be run, or a picture came out too large to keep.
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
    look = ["--format", "flamegraph", "--rate", str(RATE), "--output", str(picture)]
    _run([pyspy, "record", *look, "--", *command], environment)
    text = picture.read_text()
    for folder in (str(Path(sys.prefix)), str(Path(sys.base_prefix)), str(REPOSITORY)):
        text = text.replace(f"{folder}/", "")
    picture.write_text(text)
    if len(text) > LARGEST:
        raise click.ClickException(f"{picture.name} has {len(text):,} bytes; expected at most {LARGEST:,}. Lower RATE.")


def _run(command: Sequence[str], environment: dict[str, str]) -> None:
    import os

    done = subprocess.run(  # noqa: S603 - our own programs
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-12:])
        raise click.ClickException(
            f"{Path(command[0]).name} {' '.join(command[1:3])} ended with {done.returncode}:\n{said}"
        )
