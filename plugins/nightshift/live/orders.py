"""What people tell the replay to spoil: which nights are slow, and whose rows or labels do not come."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.engine.errors import UsageError
from pipelines.engine.home import private_folder, replace_json_privately

if TYPE_CHECKING:
    from pipelines.engine.settings import Settings


@dataclass(frozen=True)
class Slowness:
    """A task of a night that waits in the middle of its work; `seconds` by the replayed clock."""

    task: str
    seconds: float


@dataclass(frozen=True)
class Orders:
    """Everything that was ordered, by night.

    Attributes:
        slow: Nights with a task that is made slow.
        held: Nights whose rows or labels are held back.
    """

    slow: Mapping[str, Slowness] = field(default_factory=dict)
    held: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def slower(self, night: str, task: str, seconds: float) -> Orders:
        """Return the orders with a task of a night made slow, or as quick as it is if `seconds` is 0."""
        others = {name: slowness for name, slowness in self.slow.items() if name != night}
        return replace(self, slow=others | ({night: Slowness(task, seconds)} if seconds > 0 else {}))

    def holding(self, night: str, kind: str) -> Orders:
        """Return the orders with a night's rows or labels held back."""
        return replace(self, held={**self.held, night: tuple(sorted({*self.held.get(night, ()), kind}))})

    def released(self, night: str) -> Orders:
        """Return the orders without any for a night."""
        return Orders(
            {name: slowness for name, slowness in self.slow.items() if name != night},
            {name: kinds for name, kinds in self.held.items() if name != night},
        )


def read_orders(settings: Settings) -> Orders:
    """Return the orders; none if nobody gave any.

    Raises:
        UsageError: The file is not one of ours.
    """
    file = orders_file(settings)
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        slow = {night: Slowness(str(one["task"]), float(one["seconds"])) for night, one in told["slow"].items()}
        return Orders(slow, {night: tuple(kinds) for night, kinds in told["held"].items()})
    except FileNotFoundError:
        return Orders()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{file} holds no orders: {type(error).__name__}. Delete it, and give them again.") from error


def give_orders(settings: Settings, orders: Orders) -> None:
    """Replace the orders in one step."""
    file = orders_file(settings)
    private_folder(file.parent)
    replace_json_privately(file, asdict(orders))


def orders_file(settings: Settings) -> Path:
    """Return where the orders lie."""
    return settings.home / "live-orders.json"
