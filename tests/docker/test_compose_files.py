"""Compose files are held against the published schema and read by the program that reads them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.engine.settings import REPOSITORY

FILES = sorted((REPOSITORY / "docker").glob("compose*.yaml"))
SMALL = """\
services:
  watch:
    image: nightshift
    read_only: true
    tmpfs: [/tmp]
    secrets: [watch.pgpass]
    environment: {PGPASSFILE: /run/secrets/watch.pgpass}
    depends_on: {migrate: {condition: service_completed_successfully}}
  migrate: {image: nightshift}
secrets:
  watch.pgpass: {file: ./secrets/watch.pgpass}
"""


def schema(file: Path) -> subprocess.CompletedProcess[str]:
    words = [
        str(Path(sys.executable).with_name("check-jsonschema")),
        "--builtin-schema",
        "vendor.compose-spec",
        str(file),
    ]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)


def read(file: Path) -> subprocess.CompletedProcess[str]:
    if not (program := shutil.which("docker-compose")):
        pytest.fail("docker-compose is not installed; run `apt-get install docker-compose`", pytrace=False)
    words = [program, "--file", str(file), "config", "--quiet"]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, cwd=file.parent)


@pytest.mark.parametrize("check", [schema, read])
def test_compose_files_are_accepted(check, tmp_path: Path) -> None:
    small = tmp_path / "compose.yaml"
    small.write_text(SMALL)
    for file in (small, *FILES):
        done = check(file)
        assert done.returncode == 0, f"{file}: {done.stdout}{done.stderr}"


@pytest.mark.parametrize("check", [schema, read])
def test_wrong_compose_file_is_refused(check, tmp_path: Path) -> None:
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(SMALL.replace("read_only", "read_onli"))
    assert check(wrong).returncode == 1


def test_service_that_waits_for_nobody_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(SMALL.replace("{migrate: {cond", "{migration: {cond"))
    assert read(wrong).returncode == 1
