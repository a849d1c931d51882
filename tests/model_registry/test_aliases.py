import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier, Lock

import pytest

from model_registry import AliasMoved, NoSuchVersion, Registry

AT = datetime(2013, 11, 2, 4, 0, tzinfo=UTC)


@pytest.fixture
def three(database_with_three_versions, tmp_path):
    """A model with versions 1, 2 and 3 of one run."""
    return Registry(f"sqlite:///{shutil.copy(database_with_three_versions, tmp_path / 'three.db')}")


def promote(registry, to, expected, key, **more):
    return registry.promote("flights", to=to, expected=expected, key=key, actor="gate", reason="better", at=AT, **more)


def move(registry, to, expected, key, alias="champion"):
    return registry.move_alias("flights", alias, expected=expected, to=to, key=key, actor="hand", reason="try", at=AT)


def aliases(registry):
    known = registry._store.client.get_registered_model("flights").aliases
    return {alias: str(version) for alias, version in known.items()}


def lines(registry):
    return [(each.alias, each.moved_from, each.moved_to, each.key) for each in registry.journal("flights")]


def test_move_is_made_and_journalled(three):
    assert move(three, "1", None, "a").changed
    assert three.resolve("flights", "champion").version == "1"
    [entry] = three.journal("flights")
    assert (entry.number, entry.at, entry.actor, entry.reason) == (1, AT, "hand", "try")


def test_lost_reply_is_success_without_a_second_entry(three):
    move(three, "1", None, "a")
    assert not move(three, "1", None, "a").changed
    assert lines(three) == [("champion", None, "1", "a")]


def test_second_mover_with_the_same_expected_is_told_both_versions(three):
    move(three, "1", None, "a")
    move(three, "2", "1", "b")
    with pytest.raises(AliasMoved, match="expected version 1, got version 2") as caught:
        move(three, "3", "1", "c")
    assert (caught.value.expected, caught.value.got) == ("1", "2")
    assert aliases(three) == {"champion": "2"}
    assert len(lines(three)) == 2


def test_same_target_by_another_key_is_not_taken_for_a_lost_reply(three):
    move(three, "1", None, "a")
    move(three, "2", "1", "b")
    with pytest.raises(AliasMoved, match="by hand, key b"):
        move(three, "2", "1", "c")


def test_of_two_racing_movers_under_a_claim_one_wins(three, tmp_path):
    move(three, "1", None, "a")
    claim, start = Lock(), Barrier(2)

    def race(target):
        mine = Registry(f"sqlite:///{tmp_path}/three.db")
        start.wait()
        with claim:
            try:
                return move(mine, target, "1", f"race-{target}").moved_to
            except AliasMoved:
                return None

    with ThreadPoolExecutor(2) as pool:
        won = [each for each in pool.map(race, ["2", "3"]) if each]
    assert len(won) == 1
    assert lines(three)[1:] == [("champion", "1", won[0], f"race-{won[0]}")]


def test_alias_to_a_version_that_is_not_there_is_refused(three):
    with pytest.raises(NoSuchVersion, match="1, 2, 3"):
        move(three, "9", None, "a")


def test_promotion_moves_all_three_aliases(three):
    promote(three, "1", None, "first")
    move(three, "2", None, "new", alias="challenger")
    promote(three, "2", "1", "second")
    assert aliases(three) == {"champion": "2", "previous": "1"}
    assert lines(three) == [
        ("champion", None, "1", "first"),
        ("challenger", None, "2", "new"),
        ("previous", None, "1", "second"),
        ("champion", "1", "2", "second"),
        ("challenger", "2", None, "second"),
    ]


def test_challenger_that_is_another_version_stays(three):
    promote(three, "1", None, "first")
    move(three, "3", None, "new", alias="challenger")
    promote(three, "2", "1", "second")
    assert aliases(three)["challenger"] == "3"


def test_rollback_is_a_promotion_of_previous(three):
    promote(three, "1", None, "first")
    promote(three, "2", "1", "second")
    promote(three, three.resolve("flights", "previous").version, "2", "back")
    assert aliases(three) == {"champion": "1", "previous": "2"}


def test_promotion_of_the_champion_changes_nothing(three):
    promote(three, "1", None, "first")
    promote(three, "2", "1", "second")
    before = aliases(three), lines(three)
    assert not promote(three, "2", "2", "again").changed
    assert (aliases(three), lines(three)) == before


def test_refused_promotion_leaves_every_alias(three):
    promote(three, "1", None, "first")
    promote(three, "2", "1", "second")
    before = aliases(three), lines(three)
    with pytest.raises(AliasMoved):
        promote(three, "3", "1", "third")
    assert (aliases(three), lines(three)) == before


def kill_at(client, monkeypatch, step):
    """The process dies after its nth write to the registry."""
    count = 0

    def dying(real):
        def call(*args, **kwargs):
            nonlocal count
            real(*args, **kwargs)
            count += 1
            if count == step:
                raise KeyboardInterrupt

        return call

    for name in ("set_registered_model_alias", "delete_registered_model_alias", "set_registered_model_tag"):
        monkeypatch.setattr(client, name, dying(getattr(client, name)))


@pytest.mark.parametrize("step", [1, 2, 3, 4, 5, 6])
def test_promotion_killed_after_any_write_is_finished_by_the_same_call(three, monkeypatch, step):
    promote(three, "1", None, "first")
    move(three, "2", None, "new", alias="challenger")
    with monkeypatch.context() as patch:
        kill_at(three._store.client, patch, step)
        with pytest.raises(KeyboardInterrupt):
            promote(three, "2", "1", "second")
    promote(three, "2", "1", "second")
    assert aliases(three) == {"champion": "2", "previous": "1"}
    assert lines(three)[2:] == [
        ("previous", None, "1", "second"),
        ("champion", "1", "2", "second"),
        ("challenger", "2", None, "second"),
    ]


def test_journal_keeps_its_order_beyond_nine_entries(three):
    move(three, "1", None, "0")
    for step in range(1, 12):
        move(three, str(step % 2 + 1), str((step - 1) % 2 + 1), str(step))
    assert [each.number for each in three.journal("flights")] == list(range(1, 13))
    assert [each.key for each in three.journal("flights")] == [str(step) for step in range(12)]
