"""The restore drill: everything but the vault is lost, and fresh servers go on from it, exactly once.

The ledger lies on Postgres, tables, reports and the vault in S3. What each step of it needs is in docs/operations.md.
"""

from __future__ import annotations

import dataclasses
import shutil

import pytest
from sqlalchemy.exc import DBAPIError

from nightshift.backup import create_backup, parts_of, restore_backup, verify_backup
from nightshift.backup.errors import StillThere, ToolFailed
from nightshift.drill.oracle.files import Bucket
from nightshift.drill.oracle.verdict import Scene, judge
from nightshift.drill.servers import ObjectStore
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger import Ledger
from pipelines.engine.ledger.migrate import migrate
from pipelines.engine.runtime import no_progress
from pipelines.engine.steps.champion import require_champion
from pipelines.engine.storage import Google, Storage
from tests.nightshift.backup.worlds import FIRST, SECOND, THIRD, train_and_score
from tests.pipelines.engine.ledgers import Inside
from tests.pipelines.engine.steps.places import ROOT, run_night
from tests.pipelines.engine.steps.remote_places import RemotePlace
from tests.pipelines.engine.storage.stores import at_server
from tests.support.google_storage import google_storage

pytestmark = pytest.mark.postgres
GRANTS = (ROOT / "docker/postgres/ledger_grants.sql").read_text().replace(" TO ledger;", " TO keep_worker;")
OTHER = TaskKey(pipeline="tides", step="plan", partition="2024-03-06", inputs={}, code="c")
BUCKET = "s3://lake"


def settled(home, pipeline, store, ledger_url) -> RemotePlace:
    """The place on one pair of servers; rows and models lie in its home."""
    local = {"data": str(home / "data"), "ledger_url": ledger_url}
    return RemotePlace(home, pipeline, changes=local, root=BUCKET, credentials=at_server(store.url))


def stores_of(place, tmp_path) -> Storage:
    return Storage(tmp_path / "working", place.credentials)


def judged(place, store, nights):
    scene = Scene(
        rows=place.home / "data/tides/rows",
        tables=Bucket(place.settings.tables, store.environment()),
        tables_url=place.settings.tables,
        ledger_url=place.settings.ledger_url,
        mlflow=place.home / "mlflow/mlflow.db",
        model="tides",
        table="tides/predictions",
        id_column="buoy",
    )
    return judge(scene, nights)


def test_fresh_servers_go_on_where_the_backup_ends(fresh, store, postgres, tmp_path):
    store.create_bucket("lake")
    vault = str(tmp_path / "vault")
    lost = postgres.create()
    place = settled(fresh.home, fresh.pipeline, store, postgres.url(lost))
    migrate(place.settings.ledger_url)
    train_and_score(place, nights=2)
    made = create_backup(parts_of(place.settings), vault, stores_of(place, tmp_path), no_progress)
    assert made.tables == {"tides/predictions": 2}
    run_night(place, THIRD)
    assert judged(place, store, [FIRST, SECOND, THIRD]).clean

    place.ledger.rest()
    postgres.drop(lost)
    shutil.rmtree(fresh.home)
    with ObjectStore() as new_store:
        new_store.create_bucket("lake")
        again = settled(fresh.home, fresh.pipeline, new_store, postgres.url(postgres.create()))
        storage = stores_of(again, tmp_path)
        assert verify_backup(vault, storage, no_progress).wrong == ()
        done = restore_backup(parts_of(again.settings), vault, storage, no_progress)
        assert done.parts == ("data", "artifacts", "mlflow", "reports", "tables", "ledger")

        after = judged(again, new_store, [FIRST, SECOND])
        assert after.clean, after
        champion = require_champion(again.runtime, again.pipeline)
        assert champion.version == "1"
        before = again.ledger.claims_since(0.0)
        for night in (FIRST, SECOND):
            run_night(again, night)
        assert again.ledger.claims_since(0.0) == before, "every finished night is done already"
        assert not len(again.table().to_pandas(partitions=[("night", "=", THIRD)])), (
            "the night since the backup is lost"
        )

        run_night(again, THIRD)
        after = judged(again, new_store, [FIRST, SECOND, THIRD])
        assert after.clean, after
        assert {each.model_version for each in published(again)} == {champion.version}


def published(place):
    frame = place.table().to_pandas()
    return list(frame[["model_version"]].drop_duplicates().itertuples())


@pytest.fixture
def ledger_alone(fresh, postgres_ledger_url, tmp_path):
    """A place whose ledger on Postgres is all that is backed up, and what does it."""
    place = fresh.changed(ledger_url=postgres_ledger_url)
    parts = [part for part in parts_of(place.settings) if part.name == "ledger"]
    return place, parts, str(tmp_path / "vault"), Storage(tmp_path / "working")


@pytest.fixture
def owner_url(postgres, postgres_ledger_url):
    """The URL of the ledger for the owner of its tables, who is no superuser; workers are another role."""
    name = postgres_ledger_url.rsplit("/", 1)[-1]
    for role in ("keep_owner", "keep_worker"):
        postgres.execute(f"CREATE ROLE {role} LOGIN")
    postgres.execute(f'ALTER DATABASE "{name}" OWNER TO keep_owner')
    owned = postgres_ledger_url.replace("nightshift@", "keep_owner@")
    with Inside(postgres_ledger_url) as door:
        door.connection.exec_driver_sql(
            "DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION pg_database_owner"
        )
        door.connection.exec_driver_sql("GRANT USAGE ON SCHEMA public TO PUBLIC")
        migrate(owned)
        door.connection.exec_driver_sql(GRANTS)
    yield owned
    with Inside(postgres_ledger_url) as door:
        door.connection.exec_driver_sql("REASSIGN OWNED BY keep_owner TO nightshift")
        door.connection.exec_driver_sql("DROP OWNED BY keep_owner, keep_worker")
    for role in ("keep_owner", "keep_worker"):
        postgres.execute(f"DROP ROLE {role}")


def test_owner_restores_triggers_and_the_workers_rights_again_and_again(ledger_alone, owner_url, key):
    _, [part], vault, storage = ledger_alone
    parts = [dataclasses.replace(part, address=owner_url)]
    worker = Ledger(owner_url.replace("keep_owner@", "keep_worker@"), patience=1)
    worker.finish(worker.claim(key, holder="a"), {"rows": 1})
    create_backup(parts, vault, storage, no_progress)
    with pytest.raises(StillThere, match=r"has 1\d tables"):
        restore_backup(parts, vault, storage, no_progress)
    for _ in range(2):
        worker.rest()
        create_backup(parts, vault, storage, no_progress)
        restore_backup(parts, vault, storage, no_progress, replace=True)
        worker.check()
        assert worker.claim(key, holder="b").result == {"rows": 1}
    worker.release(worker.claim(OTHER, holder="b"), "later")
    for url, statement in ((owner_url, "DELETE FROM task_events"), (worker.where, "DROP TABLE task_keys")):
        with Inside(url) as door, pytest.raises(DBAPIError, match=r"append-only|must be owner"):
            door.connection.exec_driver_sql(statement)


def test_nobody_may_be_connected_to_what_is_replaced(ledger_alone):
    place, parts, vault, storage = ledger_alone
    create_backup(parts, vault, storage, no_progress)
    with Inside(place.settings.ledger_url), pytest.raises(StillThere, match="1 sessions are connected"):
        restore_backup(parts, vault, storage, no_progress, replace=True)
    place.ledger.check()


def test_rights_that_are_missing_are_named_and_no_password_is(ledger_alone, postgres):
    _, [part], vault, storage = ledger_alone
    postgres.execute("CREATE ROLE keep_nobody LOGIN")
    url = part.address.replace("nightshift@", "keep_nobody:a%20secret@")
    with pytest.raises(ToolFailed, match=r"cannot be copied: .*permission denied") as refused:
        create_backup([dataclasses.replace(part, name="other", address=url)], vault, storage, no_progress)
    assert "secret" not in str(refused.value)
    postgres.execute("DROP ROLE keep_nobody")


def test_restore_by_a_clock_that_is_behind_is_refused(ledger_alone, monkeypatch):
    from nightshift.backup import restore

    _, parts, vault, storage = ledger_alone
    made = create_backup(parts, vault, storage, no_progress)
    monkeypatch.setattr(restore.databases, "clock", lambda part: made.at - 7200)
    with pytest.raises(restore.UsageError, match="7,200 s behind"):
        restore_backup(parts, vault, storage, no_progress, replace=True)


@pytest.fixture(params=["s3", "gs"])
def bucket_vault(request, store, bucket, tmp_path):
    """A vault in an object store, and who reaches it; Google's is a small server that is not Google."""
    if request.param == "s3":
        yield f"s3://{bucket}/vault", Storage(tmp_path / "working", at_server(store.url))
        return
    with google_storage("vaults") as (host, port):
        who = Google(endpoint=f"http://{host}:{port}", anonymous=True)
        yield "gs://vaults/vault", Storage(tmp_path / "working", lambda _: who)


def test_vault_may_lie_in_a_bucket(ledger_alone, bucket_vault, tmp_path):
    """Copies of remote objects on this machine go as soon as they were used."""
    place, parts, (vault, storage) = *ledger_alone[:2], bucket_vault
    parts += [part for part in parts_of(place.settings) if part.name == "data"]
    made = create_backup(parts, vault, storage, no_progress)
    assert verify_backup(vault, storage, no_progress).wrong == ()
    rows = place.home / "data/tides/rows"
    before = {path.name: path.read_bytes() for path in rows.iterdir()}
    shutil.rmtree(place.home / "data")
    done = restore_backup(parts[1:], vault, storage, no_progress)
    assert done.left_out == (f"--database ledger={made.part('ledger').address}",)
    assert {path.name: path.read_bytes() for path in rows.iterdir()} == before
    assert [*(tmp_path / "working").iterdir()] == []
