"""Words about the machine: what the figures depend on, and nothing that says whose machine it is."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from benchmarks.places import RESULTS

LIBRARIES = (
    "lightgbm",
    "scikit-learn",
    "mlflow",
    "great-expectations",
    "duckdb",
    "pyarrow",
    "pandas",
    "numpy",
    "deltalake",
)
PEERS = ("pyspark", "ray", "pandera")
GIBIBYTE = 1 << 30


def describe() -> dict[str, str]:
    """Return cores, memory, system and versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    ours = [f"{name} {found}" for name in LIBRARIES if (found := _version(name))]
    locked = (RESULTS.parent / "peers.txt").read_text()
    theirs = [f"{name} {found[1]}" for name in PEERS if (found := re.search(rf"^{name}==(\S+)", locked, re.MULTILINE))]
    return {
        "processor": _processor(),
        "cores": str(cores),
        "memory": f"{psutil.virtual_memory().total / GIBIBYTE:.0f} GiB",
        "system": platform.system(),
        "Python": platform.python_version(),
        "libraries": ", ".join(ours),
        "peers": ", ".join(theirs),
    }


def anonymous(text: str, *folders: Path) -> str:
    """Return a text without the names of folders and of the machine, so that it can be shown to everybody."""
    for folder in (*folders, RESULTS.parents[1], Path.home()):
        if folder != Path(folder.anchor):
            text = text.replace(str(folder), "…")
    return text.replace(platform.node(), "this-machine") if platform.node() else text


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.machine()
