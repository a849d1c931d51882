"""The image's files agree with each other, with the documents and with the linters of Dockerfiles and shells."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.engine.settings import REPOSITORY

DOCKER = REPOSITORY / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text()
LAST_STAGE = DOCKERFILE.rpartition("\nFROM ")[2]
SCRIPTS = sorted(
    file
    for folder in (REPOSITORY / ".ci", DOCKER)
    for file in folder.rglob("*")
    if file.is_file() and re.match(rb"#!.*\b(?:ba|da)?sh\b", file.read_bytes()[:64])
)


def copied(stage: str) -> list[str]:
    """What a stage takes from the repository."""
    lines = [line.split()[1:-1] for line in stage.splitlines() if line.startswith("COPY ") and "--from" not in line]
    return [word for words in lines for word in words]


def test_what_the_image_copies_is_let_through_and_nothing_else() -> None:
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert "*" in lines  # everything else stays out: history, homes, secrets
    for path in copied(DOCKERFILE):
        assert (REPOSITORY / path).exists(), path
        assert any(path == name or path.startswith(f"{name}/") for name in allowed), path
    assert {name for name in allowed if not any(path.startswith(name) for path in copied(DOCKERFILE))} == set()


def test_code_lies_where_the_paths_file_looks_for_it() -> None:
    homes = (DOCKER / "image/paths.pth").read_text().split()
    assert homes == ["/opt/nightshift", "/opt/nightshift/plugins", "/etc/airflow"]
    for package in ("data_checks", "model_registry", "pipelines", "plugins", "dags"):
        assert f"COPY {package} /opt/nightshift/{package}\n" in LAST_STAGE


def test_nobody_is_root_and_any_user_has_a_name() -> None:
    assert re.findall(r"(?m)^USER (.*)$", LAST_STAGE) == ["${UID}:0"]  # a number: Kubernetes cannot judge a name
    assert re.search(r"(?m)^ARG UID=[1-9]\d+$", LAST_STAGE)
    assert "LOGNAME=nightshift" in LAST_STAGE  # Airflow refuses a user without a name


def test_last_stage_installs_nothing() -> None:
    runs = re.findall(r"(?m)^RUN (.*(?:\\\n.*)*)", LAST_STAGE)
    assert [run for run in runs if re.search(r"\b(?:apt-get|pip|uv|curl|gcc)\b", run)] == []


def test_local_settings_are_those_of_the_documents() -> None:
    page = (REPOSITORY / "docs/production.md").read_text()
    block = re.search(r"airflow_local_settings\.py`.*?```python\n(.*?)```", page, re.DOTALL).group(1)
    wanted = {line.strip().partition(" as ")[0] for line in block.splitlines() if line.strip()}
    ours = (DOCKER / "image/airflow_local_settings.py").read_text()
    assert wanted <= {line.partition(" as ")[0] for line in ours.splitlines()}


def test_entrypoint_becomes_the_command_and_keeps_its_words() -> None:
    """The first process of a container has tini between; here it is another."""
    words = [str(DOCKER / "image/entrypoint.sh"), sys.executable, "-c", "import sys; print(sys.argv[1:]); sys.exit(7)"]
    done = subprocess.run([*words, "two words", "*"], capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (7, "['two words', '*']\n", "")


def test_command_line_of_the_image_is_ours() -> None:
    body = (DOCKER / "image/nightshift").read_text().partition("\n")[2]
    done = subprocess.run(
        [sys.executable, "-c", body, "--help"], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60,
        env={"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'plugins'}"},
    )  # fmt: skip
    assert done.stdout.startswith("Usage: "), done.stderr


def test_dockerfile_pleases_its_linter(tmp_path: Path) -> None:
    hadolint = str(Path(sys.executable).with_name("hadolint"))
    done = subprocess.run([hadolint, str(DOCKER / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    (tmp_path / "Dockerfile").write_text("FROM debian\nRUN apt-get install vim\n")
    assert subprocess.run([hadolint, str(tmp_path / "Dockerfile")], capture_output=True, check=False).returncode == 1


def test_shell_scripts_please_shellcheck() -> None:
    assert {file.name for file in SCRIPTS} >= {"run", "secrets", "entrypoint.sh"}
    if not (shellcheck := shutil.which("shellcheck")):
        pytest.fail("shellcheck is not installed; run `apt-get install shellcheck`", pytrace=False)
    done = subprocess.run([shellcheck, *map(str, SCRIPTS)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
