"""The commands of backups and of the ledger's tables, as somebody types them."""

from __future__ import annotations

import shutil

import pytest

from pipelines.engine.ledger.observations import Observations
from pipelines.engine.settings import read_settings
from tests.nightshift.commands.houses import FAILED, GOOD


@pytest.fixture
def vault(tmp_path):
    return tmp_path / "vault"


def test_world_is_made_whole_again_from_the_command_line(nightshift, home, vault):
    made = nightshift("backup", "create", str(vault)).stdout
    assert "Not in it:" in made
    assert "secrets" in made
    [line] = [line for line in nightshift("backup", "list", str(vault)).stdout.splitlines() if "0005" in line]
    name = line.split()[0]
    assert "all as it was written" in nightshift("backup", "verify", str(vault), name).stdout
    before = nightshift("status", "tides").stdout
    shutil.rmtree(home.home)
    restored = nightshift("backup", "restore", str(vault)).stdout
    assert f"The backup {name} is back: data, artifacts, mlflow, reports, tables, ledger" in restored
    assert "done already" in restored
    assert nightshift("status", "tides").stdout == before
    assert all(night in before for night in (GOOD, FAILED))


def test_ledger_knows_when_it_was_saved_last(nightshift, vault):
    heartbeat = Observations(read_settings().ledger_url).heartbeat
    assert heartbeat("backup") is None
    nightshift("backup", "create", str(vault), "--without", "ledger", "--without", "data")
    assert heartbeat("backup") is None
    nightshift("backup", "create", str(vault), "--without", "data")
    assert heartbeat("backup") is not None


def test_damage_is_told_with_exit_code_one(nightshift, vault):
    nightshift("backup", "create", str(vault), "--without", "data")
    victim = max(
        (path for path in (vault / "objects").rglob("*") if path.is_file()), key=lambda path: path.stat().st_size
    )
    victim.write_bytes(b"x" * victim.stat().st_size)
    assert "1 things are wrong with it" in nightshift("backup", "verify", str(vault), code=1).stdout


def test_what_lives_is_refused_and_options_that_make_no_sense_too(nightshift, vault):
    nightshift("backup", "create", str(vault))
    assert "--replace" in nightshift("backup", "restore", str(vault), code=2).stderr
    assert "no backup 'yesterday'" in nightshift("backup", "verify", str(vault), "yesterday", code=2).stderr
    assert "expected NAME=ADDRESS" in nightshift("backup", "create", str(vault), "--database", "airflow", code=2).stderr
    assert "--without airflow" in (
        nightshift("backup", "restore", str(vault), "--database", "airflow=sqlite:////nowhere/a.db", code=2).stderr
    )


def test_prune_only_looks_unless_told(nightshift, vault):
    for _ in range(2):
        nightshift("backup", "create", str(vault), "--without", "data")
    looked = nightshift("backup", "prune", str(vault), "--keep", "1").stdout
    assert "would go" in looked
    assert len(list((vault / "backups").iterdir())) == 2
    assert "1 backups stay" in nightshift("backup", "prune", str(vault), "--keep", "1", "--apply").stdout
    assert len(list((vault / "backups").iterdir())) == 1


def test_empty_vault_says_how_to_begin(nightshift, vault):
    assert f"nightshift backup create {vault}" in nightshift("backup", "list", str(vault)).stdout


def test_ledger_goes_back_and_says_what_there_is_to_do(nightshift):
    assert "is ready." in nightshift("migrate", "--check").stdout
    assert "ready, at revision 0003" in nightshift("migrate", "--to", "0003").stdout
    assert "apply 0004, 0005" in nightshift("migrate", "--check", code=1).stdout
    assert "CREATE INDEX task_keys_published" in nightshift("migrate", "--sql").stdout
    assert "Run `nightshift migrate` once" in nightshift("status", code=1).stderr
    nightshift("migrate")
    nightshift("status")


def test_looking_and_changing_are_not_asked_for_at_once(nightshift):
    assert "give one of them" in nightshift("migrate", "--check", "--discard", code=2).stderr
