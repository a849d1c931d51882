"""What this machine has not used for long: copies of remote files, and verified model packages. Both come again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from model_registry import cached_packages, discard
from pipelines.engine.storage import here
from pipelines.engine.tidy.values import Scene, Waste

COPIES, PACKAGES = "copies of remote files", "model packages"
WHY = "not used on this machine within the retention"


class Cache:
    """Only of the machine on which this runs."""

    def find(self, scene: Scene) -> list[Waste]:
        """Look for what was last used before the retention."""
        known = _all(scene.runtime.settings.cache) if scene.everything else ()
        return [waste for waste in known if waste.since < scene.limits.old]

    def remove(self, scene: Scene, found: Sequence[Waste], check: Callable[[], None]) -> list[Waste]:
        """Remove them; whoever needs one again fetches it."""
        cache = scene.runtime.settings.cache
        for waste in found:
            check()
            if waste.what == PACKAGES:
                discard(cache, waste.name)
            else:
                (cache / "copies" / waste.name).unlink(missing_ok=True)
        return list(found)


def _all(cache: Path) -> Iterator[Waste]:
    for name, found in here(cache / "copies").walk():
        yield Waste("cache", COPIES, name, found.modified_ns / 1e9, WHY, found.size)
    for package in cached_packages(cache):
        yield Waste("cache", PACKAGES, package.name, package.used_at, WHY, package.bytes)
