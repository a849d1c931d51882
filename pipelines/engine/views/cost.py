"""What nights, trainings and models cost: the costs of their keys, added up. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pipelines.engine.durations import duration
from pipelines.engine.ledger.values import Entry
from pipelines.engine.sizes import readable
from pipelines.engine.steps import NIGHT_STEPS, SEARCH_STEPS, TRAINING_STEPS, VERSION_STEPS
from pipelines.engine.telemetry.cost import Cost

Kind = Literal["scoring", "training"]
IN_A_CLOUD = "score_"
"""Begins the name of a step that has a cloud's job score a night's shards."""
SECONDS_OF_AN_HOUR = 3600.0


@dataclass(frozen=True)
class SpentKey:
    """A key that is done, as far as it matters here.

    Attributes:
        key: Its digest.
        pipeline: Whose.
        step: What was done.
        partition: For which night.
        scored_by: The version that a step of a night names; None where it names none.
        version: The version that a step of a training made, or was about; likewise.
        trained: Digest of the training's key that the step was about; likewise.
        cost: None if nobody measured it.
    """

    key: str
    pipeline: str
    step: str
    partition: str
    scored_by: str | None
    version: str | None
    trained: str | None
    cost: Cost | None


@dataclass(frozen=True)
class Spent:
    """What some keys cost together.

    Attributes:
        keys: How many keys were measured.
        cpu_seconds: Of the processes that did their work, and of children that these waited for.
        bytes_read, bytes_written: Of files on the machines of these processes; None where nobody counts them (not Linux).
        peak_bytes: The most memory that one of the processes ever had; None if none was measured.
        elsewhere: Where work ran whose cost is not known, such as `spark`; empty if nowhere.
        unmeasured: Keys of before anything was measured.
    """

    keys: int
    cpu_seconds: float
    bytes_read: int | None
    bytes_written: int | None
    peak_bytes: int | None
    elsewhere: tuple[str, ...] = ()
    unmeasured: int = 0

    def price(self, cpu_hour: float | None) -> float | None:
        """Return the price of the CPU seconds; None if nobody said what an hour of one CPU costs."""
        return None if cpu_hour is None else round(self.cpu_seconds / SECONDS_OF_AN_HOUR * cpu_hour, 6)


@dataclass(frozen=True)
class NightCost:
    """What a night, or a training as of a night, cost, with everything that was done for it more than once.

    Attributes:
        pipeline, night: Which.
        kind: `scoring` or `training`.
        model_version: That scored last, or that came of the training; None if neither is known, or several came of it.
        spent: It.
    """

    pipeline: str
    night: str
    kind: Kind
    model_version: str | None
    spent: Spent


@dataclass(frozen=True)
class ModelCost:
    """What a version of a model cost: its training, and the nights that it scored.

    Attributes:
        pipeline, model_version: Which; the version is None for what belongs to none.
        nights: How many it scored.
        spent: On them and on the training.
    """

    pipeline: str
    model_version: str | None
    nights: int
    spent: Spent


def spent(costs: Iterable[Cost | None]) -> Spent:
    """Add up what keys cost; None is the cost of a key that nobody measured."""
    known = list(costs)
    here = [cost for cost in known if cost is not None and cost.elsewhere is None]
    return Spent(
        len(here),
        round(sum(cost.cpu_seconds or 0.0 for cost in here), 3),
        _sum(cost.bytes_read for cost in here),
        _sum(cost.bytes_written for cost in here),
        max((cost.peak_bytes for cost in here if cost.peak_bytes is not None), default=None),
        tuple(sorted({cost.elsewhere for cost in known if cost is not None and cost.elsewhere})),
        sum(cost is None for cost in known),
    )


def together(parts: Iterable[Spent]) -> Spent:
    """Add up what several nights cost."""
    known = list(parts)
    return Spent(
        sum(part.keys for part in known),
        round(sum(part.cpu_seconds for part in known), 3),
        _sum(part.bytes_read for part in known),
        _sum(part.bytes_written for part in known),
        max((part.peak_bytes for part in known if part.peak_bytes is not None), default=None),
        tuple(sorted({where for part in known for where in part.elsewhere})),
        sum(part.unmeasured for part in known),
    )


def kind_of(step: str) -> Kind | None:
    """Return what a step is a part of; None for what is neither a night nor a training, such as a roll back."""
    if step in NIGHT_STEPS or step.startswith(IN_A_CLOUD):
        return "scoring"
    return "training" if step in (*TRAINING_STEPS, *SEARCH_STEPS, *VERSION_STEPS) else None


def night_costs(keys: Sequence[SpentKey]) -> tuple[NightCost, ...]:
    """Return what each night and each training cost, by pipeline and night; several trainings as of one night by version.

    Args:
        keys: In the order in which they were finished.
    """
    groups: dict[tuple[str, str, Kind], list[SpentKey]] = {}
    for key in keys:
        kind = kind_of(key.step)
        if kind is not None:
            groups.setdefault((key.pipeline, key.partition.partition("#")[0], kind), []).append(key)
    return tuple(
        NightCost(pipeline, night, kind, version, spent(key.cost for key in mine))
        for (pipeline, night, kind), all_of_them in sorted(groups.items())
        for version, mine in (_scored(all_of_them) if kind == "scoring" else _trained(all_of_them))
    )


def _scored(keys: Sequence[SpentKey]) -> list[tuple[str | None, Sequence[SpentKey]]]:
    """Return a night as that of the version that scored it last."""
    return [(next((key.scored_by for key in reversed(keys) if key.scored_by), None), keys)]


def _trained(keys: Sequence[SpentKey]) -> list[tuple[str | None, Sequence[SpentKey]]]:
    """Return trainings by the version that came of them. What they share, such as the checks, is no version's alone."""
    made = {key.trained: key.version for key in keys if key.step == "register"}
    versions: dict[str | None, list[SpentKey]] = {}
    for key in keys:
        version = key.version or made.get(key.trained) or made.get(key.key)
        versions.setdefault(version, []).append(key)
    if len(versions) == 2 and None in versions:  # one version: all of it was for that one
        return [(next(version for version in versions if version), keys)]
    return sorted(versions.items(), key=lambda item: _number(item[0]))


def model_costs(nights: Sequence[NightCost]) -> tuple[ModelCost, ...]:
    """Return what each version cost, by pipeline and version."""
    groups: dict[tuple[str, str | None], list[NightCost]] = {}
    for night in nights:
        groups.setdefault((night.pipeline, night.model_version), []).append(night)
    return tuple(
        ModelCost(
            pipeline, version, sum(night.kind == "scoring" for night in mine), together(night.spent for night in mine)
        )
        for (pipeline, version), mine in sorted(groups.items(), key=lambda item: (item[0][0], _number(item[0][1])))
    )


def cost_of_night(entries: Iterable[Entry]) -> Spent | None:
    """Return what a night cost whose keys these are; None before anything of it was measured."""
    done = [entry.cost for entry in entries if entry.state == "done"]
    return spent(done) if any(cost is not None for cost in done) else None


def cost_told(cost: Spent) -> str:
    """Say what something cost: `12.30 CPU seconds, 40.1 MB read, 8.2 MB written, at most 410.0 MB of memory`."""
    return ", ".join([*([cpu_told(cost.cpu_seconds)] if cost.keys else []), *_beside(cost)])


def beside_told(cost: Spent) -> str:
    """Say what something cost beside CPU."""
    return ", ".join(_beside(cost))


def _beside(cost: Spent) -> list[str]:
    measures = ((cost.bytes_read, "read"), (cost.bytes_written, "written"))
    parts = [f"{readable(number)} {word}" for number, word in measures if number is not None]
    if cost.peak_bytes is not None:
        parts.append(f"at most {readable(cost.peak_bytes)} of memory")
    if cost.elsewhere:
        parts.append(f"and what {' and '.join(cost.elsewhere)} spent, which is not known here")
    return parts


def cpu_told(seconds: float) -> str:
    """Return CPU time for people: `0.42 CPU seconds`, and `14 min of CPU` from ninety seconds on."""
    return f"{seconds:.2f} CPU seconds" if seconds < 90 else f"{duration(seconds)} of CPU"


def _number(version: str | None) -> int:
    return int(version) if version and version.isdecimal() else -1


def _sum(numbers: Iterable[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
