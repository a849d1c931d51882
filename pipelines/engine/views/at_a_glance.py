"""How models, checks and incidents stand in one sentence, for who has time for one. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pipelines.engine.views.checks import SuiteView
from pipelines.engine.views.glance import Glance, Tone
from pipelines.engine.views.incidents import IncidentsView
from pipelines.engine.views.models import ModelLine, ModelView


def of_models(lines: Sequence[ModelLine]) -> Glance:
    """Return which of the pipelines have a model that scores."""
    if not lines:
        return Glance("waiting", "There are no pipelines yet.")
    trained = [line for line in lines if line.versions]
    without = [line.pipeline for line in trained if line.champion is None]
    waiting = [f"{line.pipeline} (version {line.challenger})" for line in trained if line.champion and line.challenger]
    never = [line.pipeline for line in lines if not line.versions]
    told = (
        ("Without one, so that nothing can be scored", without),
        ("Newer than the champion, and not promoted", waiting),
        ("Not trained yet", never),
    )
    more = tuple(f"{words}: {_some(names)}." for words, names in told if names)
    if not trained:
        return Glance("waiting", "No model was trained yet.", more)
    if without:
        have = f"{len(trained) - len(without)} of {_pipelines(len(trained))}"
        return Glance("notice", f"{have} that were trained have a champion.", more)
    return Glance("good", "Every pipeline that was trained has a champion.", more)


def of_model(view: ModelView) -> Glance:
    """Return which model scores a pipeline's nights."""
    if view.champion is None:
        if not view.versions:
            return Glance(
                "waiting", f"{view.pipeline} has no model yet.", ("Nothing can be scored before the first training.",)
            )
        newest = view.versions[0]
        return Glance(
            "notice",
            f"No version of {view.pipeline} has earned the right to score yet.",
            (f"Version {newest.version}: {_first(newest.reasons)}.",),
        )
    return Glance("good", _scoring(view), tuple(_about_others(view)))


def of_suite(view: SuiteView) -> Glance:
    """Return how the checks of a pipeline's rows went lately."""
    if not view.nights:
        return Glance("waiting", f"No night of {view.pipeline} was checked yet.")
    newest = view.nights[-1]
    counts = Counter(night.status for night in view.nights)
    words = {"warned": "warned", "failed": "stopped by its checks", "unchecked": "without rows that could be looked at"}
    lines = [f"{_nights(counts[status])} {told}." for status, told in reversed(words.items()) if counts[status]]
    tones: dict[str, Tone] = {"passed": "good", "warned": "notice", "failed": "bad", "unchecked": "bad"}
    sentences = {
        "passed": f"The rows of {newest.night} are as they should be.",
        "warned": f"The rows of {newest.night} are usable; some are not as they should be.",
        "failed": f"The rows of {newest.night} were refused as a whole.",
        "unchecked": f"There was nothing of {newest.night} that could be looked at. The night's page says why.",
    }
    sentence = sentences.get(newest.status, f"The rows of {newest.night} are being looked at.")
    span = f"Of the last {_nights(len(view.nights))}" if len(view.nights) > 1 else ""
    told = (f"{span}: {' '.join(lines)}",) if lines and span else ()
    return Glance(tones.get(newest.status, "waiting"), sentence, told)


def of_suites(suites: Sequence[SuiteView]) -> Glance:
    """Return how the newest night of each pipeline's rows was checked."""
    newest = {suite.pipeline: suite.nights[-1].status for suite in suites if suite.nights}
    if not newest:
        return Glance("waiting", "No night was checked yet.")
    by_status = {wanted: [name for name, status in newest.items() if status == wanted] for wanted in newest.values()}
    stopped, warned, passed = (by_status.get(status, []) for status in ("failed", "warned", "passed"))
    usable = f"The newest rows of {_some(warned)} are usable, and not quite as they should be."
    well = f"The newest rows of {_pipelines(len(passed))} are as they should be."
    without = by_status.get("unchecked", [])
    nothing = f"Of the newest night of {_some(without)} there was nothing that could be looked at."
    others = [*([usable] if warned else []), *([well] if passed else [])]
    if stopped:
        sentence = f"The newest rows of {_some(stopped)} were refused as a whole."
        return Glance("bad", sentence, (*([nothing] if without else []), *others))
    if without:
        return Glance("bad", nothing, tuple(others))
    if warned:
        return Glance("notice", usable, (well,) if passed else ())
    return Glance("good", well) if passed else Glance("waiting", "The newest rows are being looked at.")


def of_incidents(view: IncidentsView) -> Glance:
    """Return whether anything is wrong, and whether somebody is at it."""
    undelivered = sum(one.given_up + one.waiting for one in view.undelivered)
    lines = []
    if undelivered:
        verb = "message was" if undelivered == 1 else "messages were"
        lines.append(f"{undelivered} {verb} not delivered: somebody may not know. See below.")
    if not view.open:
        return Glance("notice" if undelivered else "good", "No incident is open.", tuple(lines))
    number = len(view.open)
    alone = sum(one.acknowledged_by is None for one in view.open)
    sentence = "One incident is open" if number == 1 else f"{number} incidents are open"
    taken = f"; {_alone(alone, number)}" if alone else ""
    critical = any(one.severity == "critical" for one in view.open)
    return Glance("bad" if critical else "notice", f"{sentence}{taken}.", tuple(lines))


def _alone(alone: int, number: int) -> str:
    if alone < number:
        return f"nobody has taken up {alone} of them"
    return "nobody has taken it up" if number == 1 else "nobody has taken them up"


def _scoring(view: ModelView) -> str:
    champion = next((one for one in view.versions if one.version == view.champion), None)
    if champion is None or champion.scored is None:
        return f"Version {view.champion} is champion; it has scored no night yet."
    return f"Version {view.champion} is champion; it scored {_nights(champion.scored.nights)}, the last one {champion.scored.last}."


def _about_others(view: ModelView) -> list[str]:
    lines = []
    if view.moves and view.moves[0].action == "roll back":
        lines.append(f"It came back by a roll back from version {view.moves[0].moved_from}: {view.moves[0].reason}.")
    newer = next((one for one in view.versions if one.version == view.challenger), None)
    if newer is not None and newer.opened:
        lines.append(f"Version {newer.version} is newer; the gate is open for it, and it was not promoted.")
    elif newer is not None:
        lines.append(f"Version {newer.version} is newer, and the gate refused it: {_first(newer.reasons)}.")
    return lines


def _first(reasons: Sequence[str]) -> str:
    return reasons[0].rstrip(".") if reasons else "it was not judged yet"


def _nights(number: int) -> str:
    return "1 night" if number == 1 else f"{number} nights"


def _pipelines(number: int) -> str:
    return "1 pipeline" if number == 1 else f"{number} pipelines"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}"
