"""Goes through the checklist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from nightshift.hardening.accepted import Accepted
from nightshift.hardening.secrecy import concealed
from nightshift.hardening.values import AnyCheck, Examined, Fault, NotUsed, State, Unseen

if TYPE_CHECKING:
    from nightshift.hardening.sight import Sight
    from pipelines.engine.pipeline import Progress

PAGE = "docs/hardening.md"
NONE: Mapping[str, Accepted] = {}


def examine(
    sight: Sight,
    checks: Sequence[AnyCheck],
    progress: Progress,
    accepted: Mapping[str, Accepted] = NONE,
    *,
    today: date,
) -> list[Examined]:
    """Look at everything, and return how each line of the checklist stands; never raises for what it finds.

    Args:
        sight: What to look through.
        checks: Which lines.
        progress: Told before each.
        accepted: Risks that were taken, by check.
        today: The day on which they must still count.
    """
    found = []
    for number, check in enumerate(checks):
        progress(number, len(checks), check.must)
        found.append(settled(_examined(check, sight), accepted.get(check.id), today))
    secrets = sight.secrets()
    return [_without(secrets, each) for each in found]


def _examined(check: AnyCheck, sight: Sight) -> Examined:
    def stands(state: State, faults: tuple[Fault, ...] = (), why: str = "") -> Examined:
        link = f"{PAGE}#{check.id}"
        return Examined(check.id, check.theme, check.must, state, faults, why, check.needs, link)

    try:
        faults = tuple(check.judge(check.look(sight)))
    except NotUsed as reason:
        return stands("not_used", why=str(reason))
    except Unseen as reason:
        return stands("unseen", why=str(reason))
    except Exception as error:  # whatever it is, nobody has seen that this is well
        said = str(error).strip().splitlines() or [""]
        return stands("unseen", why=f"{type(error).__name__}: {said[0]}")
    return stands(state_of(faults), faults)


def state_of(faults: Sequence[Fault]) -> State:
    """Return how a line stands that has been looked at."""
    if any(fault.grave for fault in faults):
        return "red"
    return "warning" if faults else "green"


def settled(examined: Examined, accepted: Accepted | None, today: date) -> Examined:
    """Return how a line stands where somebody took the risk; one whose time is over counts no more, and says so."""
    if accepted is None or examined.state in ("green", "not_used"):
        return examined
    if accepted.holds(today):
        return replace(examined, state="accepted", accepted=accepted.reason, until=accepted.until.isoformat())
    over = f"it was accepted until {accepted.until} ({accepted.reason}), which is over"
    return replace(examined, why=f"{examined.why}; {over}" if examined.why else over)


def _without(secrets: list[str], examined: Examined) -> Examined:
    def hide(text: str) -> str:
        return concealed(text, secrets)

    faults = tuple(
        replace(each, who=hide(each.who), expected=hide(each.expected), got=hide(each.got)) for each in examined.faults
    )
    return replace(examined, faults=faults, why=hide(examined.why))
