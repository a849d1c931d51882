"""Start processes that race each other, and hear what they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[2]
PATH = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "plugins")])
PATIENCE = 120.0


class Race:
    """Some processes of a script that begin at the same moment."""

    def __init__(self, script: str, arguments: Sequence[str], folder: Path, number: int) -> None:
        self.folder = folder
        environment = {**os.environ, "PYTHONPATH": PATH}
        self.processes = [
            subprocess.Popen(
                [sys.executable, str(HERE / script), *arguments, str(folder), str(index)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=environment,
            )
            for index in range(number)
        ]

    def __enter__(self) -> Race:
        wait_until(lambda: len(list(self.folder.glob("ready-*"))) == len(self.processes) or self._broken())
        (self.folder / "go").touch()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()

    def answers(self) -> dict[int, Any]:
        """Return what each process that was not killed printed, by process id."""
        ended = [(process, *process.communicate(timeout=PATIENCE)) for process in self.processes]
        for process, _, errors in ended:
            assert process.returncode in (0, -9), errors
        return {process.pid: json.loads(text) for process, text, _ in ended if process.returncode == 0}

    def kill(self, pid: int) -> None:
        """Kill one of the processes as nobody can prepare for."""
        next(process for process in self.processes if process.pid == pid).kill()

    def _broken(self) -> bool:
        return any(process.poll() for process in self.processes)


def wait_until(condition: Any) -> Any:
    """Wait for something to become true, and return it."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return found
