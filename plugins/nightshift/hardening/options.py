"""Airflow's options, and where each was set: plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

DEFAULTS = ("default", "provider-metadata-fallback-defaults")
"""Sources that mean that nobody said anything."""


@dataclass(frozen=True)
class Option:
    """An option's value, which may be a secret, and its source as Airflow names it: `env var`, `cmd`, `airflow.cfg`, `default`."""

    value: str = field(repr=False)
    source: str


@dataclass(frozen=True)
class Options:
    """All options that a process has, by section and key."""

    known: Mapping[tuple[str, str], Option]

    def value(self, section: str, key: str, otherwise: str = "") -> str:
        """Return a value, or what counts where there is none."""
        found = self.known.get((section, key))
        return found.value if found is not None and found.value else otherwise

    def is_set(self, section: str, key: str) -> bool:
        """Whether somebody chose the value."""
        found = self.known.get((section, key))
        return found is not None and bool(found.value) and found.source not in DEFAULTS

    def on(self, section: str, key: str) -> bool:
        """Whether it is switched on."""
        return self.value(section, key).strip().lower() in ("true", "t", "1", "yes", "on")

    def number(self, section: str, key: str, otherwise: float) -> float:
        """Return a number, or what counts where there is none that can be read."""
        try:
            return float(self.value(section, key))
        except ValueError:
            return otherwise

    @property
    def uses_celery(self) -> bool:
        """Whether tasks go through a broker."""
        return "CeleryExecutor" in self.value("core", "executor")


def variable(section: str, key: str) -> str:
    """Return the environment variable that sets an option."""
    return f"AIRFLOW__{section.upper()}__{key.upper()}"
