"""A laptop's world comes back from its vault as it was, and what happened around the backup happens once."""

from __future__ import annotations

import itertools
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from nightshift.backup import Part, create_backup, restore_backup
from nightshift.backup.errors import BackupDamaged, BackupError, StillThere
from nightshift.backup.prune import prune
from pipelines.engine.errors import FenceLost, UsageError
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger import Claimed
from pipelines.engine.runtime import no_progress
from pipelines.engine.storage import Storage
from tests.nightshift.backup.worlds import FIRST, SECOND, World
from tests.pipelines.engine.steps.places import champion, plan, publish, run_night, score, validate
from tests.pipelines.engine.steps.tides import NIGHTS
from tests.pipelines.engine.tables import put, scores_of, write_shard

KEY = TaskKey(pipeline="tides", step="score", partition="2024-03-09#0", inputs={}, code="c")


def objects(world):
    return {path.name: path for path in (world.vault / "objects").rglob("*") if path.is_file()}


def test_finished_nights_are_done_already_after_everything_but_the_vault_is_lost(world):
    made = world.back_up()
    assert made.tables == {"tides/predictions": 1}
    assert made.promised == {"tides": 1}
    assert world.verify().wrong == ()
    world.destroy()
    done = world.restore()
    assert done.parts == ("data", "artifacts", "mlflow", "reports", "tables", "ledger")
    assert world.judged([FIRST]).clean
    assert world.claims_of(lambda: run_night(world.place, FIRST)) == 0
    assert champion(world.place) == "1"
    run_night(world.place, SECOND)
    assert world.judged([FIRST, SECOND]).clean


def test_night_that_was_published_between_two_parts_is_shown_once(world):
    world.back_up(before="tables", do=lambda: run_night(world.place, SECOND))
    world.destroy()
    world.restore()
    assert world.place.is_published(SECOND)
    assert world.judged([FIRST, SECOND]).undecided == 1, "the ledger's copy is older, and knows nothing of it"
    run_night(world.place, SECOND)
    assert world.judged([FIRST, SECOND]).clean


def test_commit_whose_finish_is_not_in_the_backup_is_adopted(world):
    checked = validate(world.place, SECOND)
    scored = [score(world.place, shard) for shard in plan(world.place, checked)]
    published = []
    world.back_up(before="tables", do=lambda: published.append(publish(world.place, checked, scored)))
    world.destroy()
    world.restore()
    versions = world.place.versions()
    again = publish(world.place, checked, scored)
    assert (again["key"], again["delta_version"]) == (published[0]["key"], versions)
    assert world.place.versions() == versions
    assert world.judged([FIRST, SECOND]).clean


def test_a_ledger_that_is_newer_than_its_tables_would_lose_a_night(world):
    """Why the ledger is copied first: the other order is made here of two backups."""
    checked = validate(world.place, SECOND)
    scored = [score(world.place, shard) for shard in plan(world.place, checked)]
    older = world.back_up()
    publish(world.place, checked, scored)
    world.back_up()
    world.destroy()
    world.restore()
    world.place._runtime = None
    tables = [part for part in world.parts if part.name == "tables"]
    restore_backup(tables, str(world.vault), world.storage, no_progress, name=older.name, replace=True)
    assert world.claims_of(lambda: publish(world.place, checked, scored)) == 0
    assert not world.place.is_published(SECOND)
    with pytest.raises(BackupError, match="would answer 'done already', and show nothing"):
        world.back_up()


def test_holders_of_a_past_that_is_gone_cannot_go_on_and_their_key_is_free(world):
    ledger = world.place.ledger
    held = ledger.claim(KEY, holder="zombie")
    world.back_up()
    ledger.release(held, "tired")
    later = ledger.claim(KEY, holder="zombie since the backup")
    world.destroy()
    assert world.restore().released == 1
    ledger = world.place.ledger
    again = ledger.claim(KEY, holder="new")
    assert isinstance(again, Claimed)
    assert not again.taken_over
    for zombie in (held, later):
        with pytest.raises(FenceLost):
            ledger.renew(zombie)
    assert [event.event for event in ledger.history(KEY.digest)] == ["claimed", "released", "claimed"]


def test_second_backup_keeps_what_is_new_alone(world):
    world.back_up()
    before = set(objects(world))
    run_night(world.place, SECOND)
    made = world.back_up()
    new = set(objects(world)) - before
    assert made.tables == {"tides/predictions": 2}
    assert 0 < len(new) < 25 < sum(len(part.files) for part in made.parts)
    assert world.open_vault().names()[-1] == made.name
    assert world.verify().wrong == ()


def test_many_files_of_the_same_bytes_are_one_object(world):
    copies = [world.place.home / "reports" / f"copy{number}.bin" for number in range(40)]
    for copy in copies:
        copy.write_bytes(b"the same" * 100_000)
    made = world.back_up()
    digests = [file.sha256 for file in made.part("reports").files if file.path.startswith("copy")]
    assert (len(digests), len(set(digests))) == (40, 1)
    world.destroy()
    world.restore()
    assert {copy.read_bytes() for copy in copies} == {b"the same" * 100_000}


def test_vault_is_for_its_owner_alone(world):
    world.back_up()
    assert world.vault.stat().st_mode & 0o077 == 0


def test_backup_that_was_broken_off_does_not_exist(world):
    def fail() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.back_up(before="mlflow", do=fail)
    assert objects(world)
    assert world.open_vault().names() == []
    with pytest.raises(UsageError, match="no backup 'latest'"):
        world.restore()


def test_changed_byte_is_found_and_nothing_of_that_file_is_restored(world):
    made = world.back_up()
    shard = next(file for file in made.part("tables").files if file.path.endswith(".parquet"))
    victim = objects(world)[shard.sha256]
    victim.write_bytes(victim.read_bytes()[:-1] + b"x")
    assert [shard.path in line for line in world.verify().wrong] == [True]
    world.destroy()
    with pytest.raises(BackupDamaged, match="other bytes"):
        world.restore()
    assert not (world.place.home / "tables" / shard.path).exists()
    assert not (world.place.home / "ledger.db").exists(), "who relies on it comes last"


def test_object_that_is_gone_is_found_before_anything_is_touched(world):
    made = world.back_up()
    objects(world)[made.part("ledger").files[0].sha256].unlink()
    with pytest.raises(BackupDamaged, match="lacks ledger"):
        world.restore(replace=True)
    assert world.judged([FIRST]).clean


def test_nothing_that_lives_is_overwritten_unless_told_to(world):
    world.back_up()
    run_night(world.place, SECOND)
    with pytest.raises(StillThere, match="--replace"):
        world.restore()
    assert world.judged([FIRST, SECOND]).clean
    world.place._runtime = None
    world.restore(replace=True)
    assert not world.place.is_published(SECOND)
    assert world.judged([FIRST]).clean


def test_restore_to_another_address_is_asked_for(world, tmp_path):
    world.back_up()
    moved = World(world.place.changed(reports=str(tmp_path / "elsewhere")), world.vault)
    moved.destroy()
    with pytest.raises(UsageError, match=r"would go to .*elsewhere.*--elsewhere"):
        moved.restore()
    moved.restore(elsewhere=True)
    assert list((tmp_path / "elsewhere").rglob("*.html"))


def test_table_that_lost_a_file_makes_no_backup(world):
    [shard] = (world.place.predictions / f"night={FIRST}").glob("*.parquet")
    shard.unlink()
    with pytest.raises(BackupError, match=r"names .*which is not there"):
        world.back_up()
    assert world.open_vault().names() == []


def test_tables_that_are_published_to_meanwhile_are_copied_whole(tmp_path):
    folder, vault = tmp_path / "tables/flights/predictions", str(tmp_path / "vault")
    parts, storage = [Part("tables", "folder", str(tmp_path / "tables"))], Storage(tmp_path / "working")
    stop, made = threading.Event(), []

    def publish(number: int) -> None:
        night = NIGHTS[number % len(NIGHTS)]
        shard = write_shard(folder, night, "aa", {f"f{number}": 0.5}, fence=number + 1)
        put(folder, night, [shard], f"work {number}")

    def publish_on() -> None:
        for number in itertools.takewhile(lambda _: not stop.is_set(), itertools.count(len(NIGHTS))):
            publish(number)

    for number in range(len(NIGHTS)):
        publish(number)
    with ThreadPoolExecutor(1) as threads:
        publisher = threads.submit(publish_on)
        try:
            while not publisher.done() and (len(made) < 4 or made[-1].tables == made[0].tables):
                made.append(create_backup(parts, vault, storage, no_progress))
        finally:
            stop.set()
        publisher.result()
    for number, each in enumerate(made):
        there = [Part("tables", "folder", str(tmp_path / f"restored{number}"))]
        restore_backup(there, vault, storage, no_progress, name=each.name, elsewhere=True)
        copy, version = tmp_path / f"restored{number}/flights/predictions", each.tables["flights/predictions"]
        assert [scores_of(copy, night) for night in NIGHTS] == [scores_of(folder, night, version) for night in NIGHTS]


def test_vault_inside_of_the_tables_is_refused(world):
    inside = World(world.place, world.place.home / "tables" / "vault")
    with pytest.raises(UsageError, match="inside of the part tables"):
        inside.back_up()


def test_old_backups_are_forgotten_and_what_newer_ones_hold_stays(world):
    first = world.back_up()
    run_night(world.place, SECOND)
    second = world.back_up()
    vault, before = world.open_vault(), set(objects(world))
    assert prune(vault, keep=1, dry_run=False).objects == 0, "they are younger than a day"
    assert vault.names() == [second.name]
    for path in objects(world).values():
        os.utime(path, (0, 0))
    looked = prune(vault, keep=1, dry_run=True)
    assert set(objects(world)) == before
    assert prune(vault, keep=1, dry_run=False).objects == looked.objects > 0
    held = {file.sha256 for part in second.parts for file in part.files}
    assert set(objects(world)) == held
    assert first.part("ledger").files[0].sha256 not in held
    assert world.verify().wrong == ()


def test_prune_keeps_at_least_one(world):
    with pytest.raises(UsageError, match="would leave no backup"):
        prune(world.open_vault(), keep=0, dry_run=False)
