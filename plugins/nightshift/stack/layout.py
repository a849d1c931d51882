"""Where the stack keeps its things: all of it below one folder, but for Postgres's data where we are root."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

FOR_POSTGRES = Path("/var/lib/postgresql")
"""Where Debian's user `postgres` is at home; it does not reach a home that only root may enter."""


@dataclass(frozen=True)
class StackLayout:
    """Paths of one stack.

    Attributes:
        root: `<NIGHTSHIFT_HOME>/stack`.
    """

    root: Path

    @property
    def name(self) -> str:
        """What tells its processes from those of another stack."""
        return f"nightshift-stack-{hashlib.sha256(str(self.root).encode()).hexdigest()[:12]}"

    @property
    def state(self) -> Path:
        """What is known of the stack that runs, or that was left."""
        return self.root / "state.json"

    @property
    def lock(self) -> Path:
        """Held by who starts or ends it."""
        return self.root / "lock"

    @property
    def logs(self) -> Path:
        """One log per process; kept when the stack ends."""
        return self.root / "logs"

    @property
    def secrets(self) -> Path:
        """The secrets as `nightshift secrets init` makes them."""
        return self.root / "secrets"

    @property
    def run(self) -> Path:
        """Configuration and secrets with this machine's addresses; made anew at each start."""
        return self.root / "run"

    @property
    def configuration(self) -> Path:
        """What supervisord reads."""
        return self.run / "supervisord.conf"

    def linked(self, source: str) -> Path:
        """Folder of links to what is in a folder of the user's."""
        return self.run / "linked" / Path(source).name

    def volume(self, name: str) -> Path:
        """Folder of a named volume."""
        if name == "postgres" and os.geteuid() == 0:
            return FOR_POSTGRES / self.name
        return self.root / "volumes" / name
