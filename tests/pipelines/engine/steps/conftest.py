from __future__ import annotations

from tests.pipelines.engine.steps.places import _suites, fresh, fresh_home, moved, moved_home, place, trained_home

__all__ = ["_suites", "fresh", "fresh_home", "moved", "moved_home", "place", "trained_home"]
