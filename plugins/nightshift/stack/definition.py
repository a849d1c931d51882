"""What `docker/compose.yaml` says about each role, as values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nightshift.stack.errors import DefinitionWrong

DEFAULT_STOP_SECONDS = 10.0
"""Of Compose: how long a container may take to end."""
JOB = "service_completed_successfully"
HEALTHY = "service_healthy"
SHELL = ("sh", "-c")


@dataclass(frozen=True)
class Health:
    """How to see that a role works.

    Attributes:
        test: A command; exit code 0 means healthy.
        interval: Seconds between two tests.
        timeout: Seconds that one may take.
        retries: How many may fail one after the other, once `start_period` seconds are over.
        start_period: Seconds in which failures do not count.
    """

    test: tuple[str, ...]
    interval: float
    timeout: float
    retries: int
    start_period: float

    @property
    def patience(self) -> float:
        """Seconds until a role that never answers is given up."""
        return self.start_period + self.retries * (self.interval + self.timeout)


@dataclass(frozen=True)
class Mount:
    """A folder or file that a container sees under a path of its own.

    Attributes:
        source: A volume's name, or an absolute path.
        target: The path in the container.
        is_volume: Whether `source` is a name.
    """

    source: str
    target: str
    is_volume: bool


@dataclass(frozen=True)
class Role:
    """One service of the stack.

    Attributes:
        name: What others call it.
        image: What it is made of, with its tag.
        command: Its words.
        environment: Its variables.
        needs: Roles that come before it, and the condition each is waited for.
        health: How to see that it works, if it says so.
        mounts: What it sees of volumes and files.
        secrets: The files that it finds below `/run/secrets`.
        stop_signal: What ends it well.
        stop_seconds: How long that may take.
        replicas: How many there are.
        is_job: Whether it runs once and ends.
        published: Ports that are to be reached from the machine itself.
    """

    name: str
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    needs: Mapping[str, str] = field(default_factory=dict)
    health: Health | None = None
    mounts: tuple[Mount, ...] = ()
    secrets: tuple[str, ...] = ()
    stop_signal: str = "SIGTERM"
    stop_seconds: float = DEFAULT_STOP_SECONDS
    replicas: int = 1
    is_job: bool = False
    published: tuple[int, ...] = ()

    @property
    def program(self) -> str:
        """The image without its registry's part and tag: `prometheus` of `prom/prometheus:v3`."""
        return self.image.rsplit("/", 1)[-1].partition(":")[0]


@dataclass(frozen=True)
class Definition:
    """The whole stack.

    Attributes:
        folder: Where the file lies; paths in it start there.
        roles: Role by name, in the file's order.
    """

    folder: Path
    roles: Mapping[str, Role]


def read_definition(file: Path, environment: Mapping[str, str]) -> Definition:
    """Read the stack's file.

    Args:
        file: `docker/compose.yaml`.
        environment: What `${NAME:-default}` stands for.

    Raises:
        DefinitionWrong: The file is missing, or says something that is not understood here.
    """
    import yaml

    try:
        raw = yaml.safe_load(file.read_text())
        services = interpolate(raw["services"], environment)
        folder = file.resolve().parent
        return Definition(folder, {name: _role(name, service, folder) for name, service in services.items()})
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise DefinitionWrong(
            f"{file} cannot be read as the stack's definition: {type(error).__name__}: {error}"
        ) from error


VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\})")
"""A reference of Compose: `${NAME}`, `${NAME:-default}`, or `$$`."""


def interpolate(value: Any, environment: Mapping[str, str]) -> Any:
    """Put values in the place of `${NAME}` and `${NAME:-default}` in all texts below `value`; `$$` is one dollar.

    Source of the rules: the interpolation section of the Compose specification, of which the rest is not used here.
    """
    if isinstance(value, str):
        return VARIABLE.sub(lambda found: _value(found, environment), value)
    if isinstance(value, list):
        return [interpolate(item, environment) for item in value]
    if isinstance(value, dict):
        return {key: interpolate(item, environment) for key, item in value.items()}
    return value


def _value(found: re.Match[str], environment: Mapping[str, str]) -> str:
    if found["dollar"]:
        return "$"
    return environment.get(found["name"]) or found["default"] or ""


def seconds_of(text: str) -> float:
    """Return the seconds of a duration such as `1m30s`.

    Raises:
        ValueError: It is none.
    """
    parts = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text)
    if not text or parts is None:
        raise ValueError(f"{text!r} is no duration; expected one such as 1m30s")
    hours, minutes, seconds = (int(part or 0) for part in parts.groups())
    return float(hours * 3600 + minutes * 60 + seconds)


def _role(name: str, raw: Mapping[str, Any], folder: Path) -> Role:
    needs = raw.get("depends_on", {})
    return Role(
        name=name,
        image=raw["image"],
        command=tuple(raw.get("command", ())),
        environment={key: str(value) for key, value in raw.get("environment", {}).items()},
        needs={role: wanted["condition"] for role, wanted in needs.items()},
        health=_health(raw["healthcheck"]) if "healthcheck" in raw else None,
        mounts=tuple(_mount(text, folder) for text in raw.get("volumes", ())),
        secrets=tuple(raw.get("secrets", ())),
        stop_signal=raw.get("stop_signal", "SIGTERM"),
        stop_seconds=seconds_of(raw["stop_grace_period"]) if "stop_grace_period" in raw else DEFAULT_STOP_SECONDS,
        replicas=int(raw.get("deploy", {}).get("replicas", 1)),
        is_job=raw.get("restart") == "no",
        published=tuple(int(port.rpartition(":")[2]) for port in raw.get("ports", ())),
    )


def _health(raw: Mapping[str, Any]) -> Health:
    kind, *words = raw["test"]
    if kind not in ("CMD", "CMD-SHELL"):
        raise ValueError(f"a health check begins with CMD or CMD-SHELL, not with {kind!r}")
    return Health(
        test=tuple(words) if kind == "CMD" else (*SHELL, *words),
        interval=seconds_of(raw.get("interval", "30s")),
        timeout=seconds_of(raw.get("timeout", "30s")),
        retries=int(raw.get("retries", 3)),
        start_period=seconds_of(raw.get("start_period", "0s")),
    )


def _mount(text: str, folder: Path) -> Mount:
    source, target, *_ = text.split(":")
    is_volume = not source.startswith((".", "/"))
    return Mount(source if is_volume else str((folder / source).resolve()), target, is_volume)
