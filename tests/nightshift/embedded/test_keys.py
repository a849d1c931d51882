from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from nightshift.embedded.errors import SecretsDamaged
from nightshift.embedded.keys import load_or_make_keys, make_keys


def test_keys_are_made_once_and_kept(tmp_path):
    path = tmp_path / "secrets.json"
    assert load_or_make_keys(path) == load_or_make_keys(path)


def test_only_the_owner_can_read_the_file(tmp_path):
    path = tmp_path / "secrets.json"
    load_or_make_keys(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_was_restored_for_everybody_is_closed_again(tmp_path):
    path = tmp_path / "secrets.json"
    kept = load_or_make_keys(path)
    path.chmod(0o644)
    assert load_or_make_keys(path) == kept
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_keys_that_race_agree_on_one_set(tmp_path):
    path = tmp_path / "secrets.json"
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: load_or_make_keys(path), range(8)))
    assert len(set(made)) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["secrets.json"]


def test_no_two_homes_share_a_key():
    assert make_keys() != make_keys()


def test_keys_are_strong_enough_for_their_use():
    keys = make_keys()
    assert len(keys.jwt.encode()) >= 64
    assert len(keys.fernet) == 44


def test_keys_do_not_show_in_a_log():
    keys = make_keys()
    assert keys.jwt not in repr(keys)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"jwt": "x"}', '{"jwt": "x", "api": "y", "fernet": "z", "more": 1}']
)
def test_a_damaged_file_is_told_and_not_replaced(tmp_path, content):
    path = tmp_path / "secrets.json"
    path.write_text(content)
    with pytest.raises(SecretsDamaged, match="restore it, or delete it"):
        load_or_make_keys(path)
    assert path.read_text() == content
