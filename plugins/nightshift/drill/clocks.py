"""Clocks that are wrong: libfaketime, loaded before everything else in a process."""

from __future__ import annotations

import importlib.util
import platform
from pathlib import Path

from nightshift.drill.errors import DrillFailed

PACKAGED_FOR = ("Linux", "x86_64")
"""The machine that the package on PyPI brings a library for; elsewhere the system's own is looked for."""


def preloaded(shift: str) -> dict[str, str]:
    """Return the variables that let a new process believe it is earlier or later.

    Args:
        shift: As libfaketime takes it, such as `+2h`.

    Raises:
        DrillFailed: There is no libfaketime for this machine.
    """
    # Waiting with a time-out must last as long as it says: only what a clock shows is wrong.
    return {"LD_PRELOAD": str(_library()), "FAKETIME": shift, "DONT_FAKE_MONOTONIC": "1", "FAKETIME_NO_CACHE": "1"}


def _library() -> Path:
    package = importlib.util.find_spec("libfaketime")
    if package and package.origin and (platform.system(), platform.machine()) == PACKAGED_FOR:
        return Path(package.origin).parent / "vendor/libfaketime/src/libfaketime.so.1"
    for folder in (Path("/usr/lib"), Path("/usr/local/lib")):
        for found in folder.glob("**/faketime/libfaketime.so.1"):
            return found
    raise DrillFailed(
        "a clock cannot be made wrong here: libfaketime is not there. Install it (Debian: apt-get install faketime)."
    )
