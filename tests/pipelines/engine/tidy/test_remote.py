"""The same on S3, where the store says how old a file is and nobody can change that: so the limits are moved instead."""

from __future__ import annotations

import dataclasses
import uuid

import pytest

from nightshift.drill.servers import ObjectStore
from pipelines.engine.moments import listening
from pipelines.engine.storage import Simple, Storage
from pipelines.engine.tidy import tidy
from pipelines.engine.tidy.checks import Checks
from pipelines.engine.tidy.shards import Shards
from pipelines.engine.tidy.values import DAY, Limits, Scene
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import Place, plan, run_night, score, validate

NIGHT = tides.NIGHTS[0]


@pytest.fixture(scope="module")
def store():
    with ObjectStore() as store:
        yield store


@dataclasses.dataclass
class RemotePlace(Place):
    """A place whose tables and reports lie in a bucket."""

    store: ObjectStore | None = None

    @property
    def runtime(self):
        told = self.store.environment()
        who = Simple(told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"], None, told["AWS_REGION"], self.store.url)
        return dataclasses.replace(super().runtime, storage=Storage(self.settings.cache, lambda _scheme: who))

    def scene(self, *, days_later=0.0, retention=30.0):
        limits = Limits(self.ledger.now() + days_later * DAY, retention)
        return Scene(self.runtime, [self.pipeline], limits, everything=True)

    def shards(self):
        return [path for path, _ in self.runtime.predictions(self.pipeline).walk() if path.startswith("night=")]


@pytest.fixture
def remote(place, store):
    bucket = f"nights-{uuid.uuid4().hex}"
    store.create_bucket(bucket)
    changes = {"tables": f"s3://{bucket}/tables", "reports": f"s3://{bucket}/reports"}
    return RemotePlace(place.home, place.pipeline, changes, store=store)


def clean(kind, scene):
    found = kind.find(scene)
    assert kind.remove(scene, found, lambda: None) == found
    return [(waste.kind, waste.name) for waste in found]


def deliver(place, seed):
    rows = tides.make_rows(NIGHT, seed=seed)
    rows.loc[[3, 120], "wind"] = 99.0
    tides.write(rows, place.rows(NIGHT))


def test_replaced_files_go_and_the_night_is_still_done(remote):
    deliver(remote, seed=0)
    first = run_night(remote, NIGHT)
    deliver(remote, seed=1)
    second = run_night(remote, NIGHT)
    (old,), (new,) = ([one["path"] for one in night.scored] for night in (first, second))
    assert clean(Shards(), remote.scene(days_later=20)) == []
    assert clean(Shards(), remote.scene(days_later=1, retention=0.0)) == [("replaced shards", old)]
    assert remote.shards() == [new]
    since = remote.ledger.now()
    assert run_night(remote, NIGHT).published == second.published
    assert remote.ledger.claims_since(since) == 0
    deliver(remote, seed=0)
    assert run_night(remote, NIGHT).published["rows_scored"] == 298
    assert clean(Shards(), remote.scene(days_later=1, retention=0.0)) == [("replaced shards", new)]


def test_file_of_a_lost_fence_goes_after_the_grace(remote):
    class Interrupted(BaseException):
        pass

    def interrupt(moment):
        if moment == "wrote the shard":
            raise Interrupted

    with listening(interrupt), pytest.raises(Interrupted):
        score(remote, plan(remote, validate(remote, NIGHT))[0])
    (lost,) = remote.shards()
    done = run_night(remote, NIGHT)
    assert clean(Shards(), remote.scene(days_later=1.9)) == []
    assert clean(Shards(), remote.scene(days_later=2.1)) == [("lost shards", lost)]
    assert remote.shards() == [done.scored[0]["path"]]


def test_superseded_checks_go_and_published_quarantine_stays(remote):
    deliver(remote, seed=0)
    published = run_night(remote, NIGHT)
    for seed in (1, 2):
        deliver(remote, seed=seed)
        validate(remote, NIGHT)
    assert clean(Checks(), remote.scene(days_later=29)) == []
    assert [kind for kind, _ in clean(Checks(), remote.scene(days_later=31))] == ["quarantine", "reports"]
    assert remote.runtime.storage.at(published.checked["quarantine"]).exists()


def test_whole_tidy_finds_nothing_on_a_fresh_night(remote):
    run_night(remote, NIGHT)
    assert tidy(remote.runtime, [remote.pipeline], retention_days=30, everything=True, dry_run=False)["found"] == []
