"""What a look at the rows left behind when it stopped the night: its result is not recorded, its files are there. Pure."""

from __future__ import annotations

from pipelines.engine.views.checks import stopped_by_checks
from pipelines.engine.views.night import NightView


def attempt_of(view: NightView) -> str | None:
    """Return what the files of a look that stopped the night are named by, such as `3f9a1c0d2b44-1`; None if no look did."""
    step = next(step for step in view.steps if step.step == "validate")
    story = next((story for story in view.keys if story.key == step.key), None)
    looked = story is not None and story.state == "failed" and stopped_by_checks(story.error)
    return f"{story.key[:12]}-{story.fence}" if story and looked else None
