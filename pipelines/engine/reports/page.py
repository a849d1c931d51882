"""Templates, and how values are written in them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pipelines.engine.durations import duration
from pipelines.engine.views.cost import cost_told

if TYPE_CHECKING:
    from jinja2 import Environment

SHORT = 12


def render(template: str, **values: Any) -> str:
    """Return one of the templates as a page; every text in it is escaped."""
    return _environment().get_template(template).render(**values)


def read_templates() -> None:
    """Read all templates now: making code of them takes longer than filling them in."""
    environment = _environment()
    for name in environment.list_templates():
        environment.get_template(name)


def seconds(value: float | None) -> str:
    """Return how long something took: `0.52 s`, `14 s`, `2 h 05 min`."""
    if value is None:
        return "–"
    return f"{value:.2g} s" if 0 < value < 10 else duration(value)


def share(value: float | None) -> str:
    """Return a share as percent, without calling few nothing: `0.31 %`, `under 0.01 %`."""
    if value is None:
        return "–"
    if 0 < value < 0.0001:
        return "under 0.01 %"
    return f"{100 * value:.3g} %" if value < 1 else "100 %"


def number(value: float | None) -> str:
    """Return a number as people read it: whole ones with separators, others with four digits that count."""
    if value is None:
        return "–"
    if isinstance(value, int) or (value == int(value) and abs(value) >= 1000):
        return f"{int(value):,}"
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.1f}"


def measure(value: float | None) -> str:
    """Return a metric with as many digits as its neighbours: four decimals, or a number where it is large."""
    return f"{value:.4f}" if value is not None and abs(value) < 10 else number(value)


def short(digest: str) -> str:
    """Return the first digits of a digest: enough to find it by eye."""
    return digest[:SHORT]


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        seconds=seconds, share=share, number=number, measure=measure, short=short, cost=cost_told
    )
    return environment
