"""Postgres as its image does it: a folder for its data at the first start, and then the files for a new server."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from nightshift.stack.errors import RoleFailed
from nightshift.stack.programs import Program
from pipelines.engine.home import write_privately

SUPERUSER = "postgres"
FIRST_FILES = "/docker-entrypoint-initdb.d"


def server_user() -> str | None:
    """Say as whom the server runs; None: as ourselves. It refuses to be root."""
    return SUPERUSER if os.geteuid() == 0 else None


def make_folder(program: Program, data: Path, password: str, environment: Mapping[str, str]) -> None:
    """Make the server's data folder, which belongs to the user that the server runs as.

    Raises:
        RoleFailed: It cannot be made.
    """
    parent = data.parent
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    asked = parent / ".password"
    try:
        with write_privately(asked) as file:
            file.write(password)
        words = [
            "initdb",
            "-D",
            str(data),
            f"--username={SUPERUSER}",
            f"--pwfile={asked}",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        ]
        words += shlex.split(program.environment.get("POSTGRES_INITDB_ARGS", ""))
        user: dict[str, object] = {}
        if name := server_user():
            owner = pwd.getpwnam(name)
            for path in (parent, asked):
                shutil.chown(path, owner.pw_uid, owner.pw_gid)
            user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        done = subprocess.run(  # noqa: S603 - Debian's program
            words,
            env=dict(environment),
            cwd=parent,
            capture_output=True,
            text=True,
            check=False,
            **user,  # type: ignore[call-overload]
        )
    finally:
        asked.unlink(missing_ok=True)
    if done.returncode:
        raise RoleFailed(f"Postgres's folder could not be made:\n{done.stderr.strip() or done.stdout.strip()}")


def run_first_files(program: Program, folder: Path, password: str, environment: Mapping[str, str]) -> None:
    """Run what a new server is to be told, as the image does: `*.sql` and `*.sh` of a folder by name.

    Raises:
        RoleFailed: One of them failed.
    """
    told = {**environment, "PGHOST": program.address, "PGPORT": "5432", "PGUSER": SUPERUSER, "PGPASSWORD": password}
    for file in sorted(folder.iterdir()):
        if file.suffix not in (".sql", ".sh"):
            continue
        words = (
            ["bash", str(file)]
            if file.suffix == ".sh"
            else ["psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", SUPERUSER, "-f", str(file)]
        )
        done = subprocess.run(words, env=told, capture_output=True, text=True, check=False)  # noqa: S603 - our own files
        if done.returncode:
            raise RoleFailed(f"A new Postgres could not be told {file.name}:\n{done.stderr.strip()}")


def answers(program: Program, environment: Mapping[str, str]) -> bool:
    """Whether the server takes connections."""
    words = ["pg_isready", "-q", "-h", program.address, "-p", "5432"]
    return subprocess.run(words, env=dict(environment), check=False).returncode == 0  # noqa: S603
