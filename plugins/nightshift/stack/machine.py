"""What this machine has to offer: programs, addresses of its own, and the variables that all processes share."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from pathlib import Path

from nightshift.embedded.processes import TREE_VARIABLE
from nightshift.stack.errors import ProgramsMissing, RoleFailed
from nightshift.stack.layout import StackLayout
from nightshift.stack.programs import PACKAGES
from nightshift.stack.supervisor import PORT

NETWORKS = tuple(f"127.71.{number}" for number in range(1, 255))
KEPT_VARIABLES = ("LANG", "LC_ALL", "TZ", "PYTHONPATH", "SSL_CERT_FILE", "FAKETIME", "LD_PRELOAD")


def common_environment(layout: StackLayout) -> dict[str, str]:
    """Return the variables that every process has, whatever its role."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    folders = [Path(sys.executable).parent, *_postgres_programs(), "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin"]
    return kept | {
        "PATH": os.pathsep.join(map(str, folders)),
        "HOME": str(layout.root),
        "NO_PROXY": "*",
        "no_proxy": "*",
        TREE_VARIABLE: layout.name,
    }


def require_programs(path: str) -> None:
    """Look whether the programs of Debian are there.

    Args:
        path: Where to look, as in PATH.

    Raises:
        ProgramsMissing: Some are not, with the packages to install.
    """
    missing = [name for name in PACKAGES if shutil.which(name, path=path) is None]
    if missing:
        packages = " ".join(dict.fromkeys(PACKAGES[name] for name in missing))
        raise ProgramsMissing(
            f"The stack needs programs that are not on this machine: {', '.join(missing)}.\n"
            f"Do (on Debian): apt-get install {packages}"
        )


def free_network() -> str:
    """Return three numbers of loopback under which nobody listens yet.

    Raises:
        RoleFailed: There are none, or this system has one loopback address only.
    """
    for network in NETWORKS:
        with socket.socket() as probe:
            try:
                probe.bind((f"{network}.1", PORT))
            except OSError:
                continue
            return network
    raise RoleFailed(
        "No free addresses below 127.71.0.0 were found. The stack needs Linux, where all of 127.0.0.0/8 is this machine."
    )


def _postgres_programs() -> list[Path]:
    """Where Debian has the programs of Postgres's server, the newest version first: on nobody's path."""
    from nightshift.drill.servers.database import find_binaries
    from nightshift.drill.servers.errors import NotInstalled

    try:
        return [find_binaries()]
    except NotInstalled:
        return []
