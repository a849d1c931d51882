"""The files of secrets: made once, the same in all that hold them, and told about without being shown."""

from __future__ import annotations

import configparser
import json
import re
import stat
from itertools import count
from random import Random

import pytest
from click.testing import CliRunner
from cryptography.fernet import Fernet

from nightshift.cli import cli
from nightshift.secrets.files import BY_NAME, FILES, verifiers_in
from nightshift.secrets.folder import examine, initialise, read_texts, rotate
from nightshift.secrets.scram import verifier, vouches
from nightshift.secrets.values import MAKERS, ROTATABLE
from pipelines.engine.errors import UsageError

CONTRACT = [
    "postgres_password",
    "airflow.pgpass",
    "worker.pgpass",
    "migrate.pgpass",
    "mlflow.pgpass",
    "watch.pgpass",
    "roles.sql",
    "redis.conf",
    "broker_url",
    "fernet_key",
    "api_secret_key",
    "jwt_secret",
    "connections.json",
    "object_store.json",
    "object_store_credentials",
    "mlflow_auth.ini",
    "mlflow_secret_key",
    "mlflow_credentials",
    "logins.json",
    "grafana_admin_password",
]


@pytest.fixture
def dice():
    return Random(7).randbytes  # noqa: S311


@pytest.fixture
def folder(tmp_path, dice):
    folder = tmp_path / "docker" / "secrets"
    initialise(folder, dice)
    return folder


def values_in(folder):
    """Every secret by name, wherever it stands."""
    found = {}
    for name, text in read_texts(folder).items():
        for secret, value in BY_NAME[name].read(text).items():
            found.setdefault(secret, set()).add(value)
    return found


def test_all_files_are_made_and_nobody_else_may_read_them(folder):
    assert sorted(path.name for path in folder.iterdir()) == sorted(CONTRACT)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert examine(folder) == []


def test_secret_is_the_same_in_all_files_and_no_two_secrets_are(folder):
    values = values_in(folder)
    assert set(values) == set(MAKERS)
    assert {len(found) for found in values.values()} == {1}
    assert len({value for found in values.values() for value in found}) == len(MAKERS)


def test_readers_find_what_they_expect(folder):
    texts = read_texts(folder)
    assert re.fullmatch(r"(\*:\*:\w+:\w+:[0-9a-f]{48}\n)+", texts["airflow.pgpass"])
    logins = {name: re.findall(r"\*:\*:(\w+:\w+):", text) for name, text in texts.items() if name.endswith(".pgpass")}
    assert logins == {
        "airflow.pgpass": ["airflow:airflow", "ledger:ledger", "celery:celery"],
        "worker.pgpass": ["ledger:ledger", "celery:celery"],
        "migrate.pgpass": ["airflow:airflow", "ledger:ledger_owner"],
        "mlflow.pgpass": ["mlflow:mlflow", "mlflow_auth:mlflow"],
        "watch.pgpass": ["ledger:ledger"],
    }
    Fernet(texts["fernet_key"])
    assert len(texts["jwt_secret"]) >= 64
    password = texts["redis.conf"].removeprefix("requirepass ")
    assert texts["broker_url"] == f"redis://:{password}@redis:6379/0"
    assert set(json.loads(texts["logins.json"])) == {"admin", "operator", "author", "viewer"}
    ini = configparser.ConfigParser()
    ini.read_string(texts["mlflow_credentials"])
    assert ini["mlflow"]["mlflow_tracking_username"] == "nightshift"
    bare = {file.name for file in FILES if "\n" not in texts[file.name]}
    assert bare >= {
        "postgres_password",
        "broker_url",
        "fernet_key",
        "api_secret_key",
        "jwt_secret",
        "mlflow_secret_key",
    }


def test_second_run_changes_nothing(folder, dice):
    before = read_texts(folder)
    assert initialise(folder, dice) == ()
    assert read_texts(folder) == before


def test_missing_files_are_made_of_the_secrets_that_are_there(folder, dice):
    before = read_texts(folder)
    for name in ("worker.pgpass", "roles.sql", "broker_url", "connections.json", "jwt_secret"):
        (folder / name).unlink()
    assert [problem.rule for problem in examine(folder)] == ["missing"] * 5
    assert set(initialise(folder, dice)) == {
        "worker.pgpass",
        "roles.sql",
        "broker_url",
        "connections.json",
        "jwt_secret",
    }
    after = read_texts(folder)
    assert {name for name in after if after[name] != before[name]} == {"roles.sql", "jwt_secret"}
    assert examine(folder) == []


def test_password_that_only_the_database_knows_is_not_made_up(folder, dice):
    for name in ("airflow.pgpass", "worker.pgpass"):
        (folder / name).unlink()
    with pytest.raises(UsageError, match="no file holds the password of celery any more"):
        initialise(folder, dice)
    assert not (folder / "worker.pgpass").exists()


@pytest.mark.parametrize("name", ROTATABLE)
def test_rotation_changes_one_secret_wherever_it_stands(folder, dice, name):
    before, texts = values_in(folder), read_texts(folder)
    inodes = {path.name: path.stat().st_ino for path in folder.iterdir()}
    changed = rotate(folder, name, dice)
    after = values_in(folder)
    expected = {"object_store", "object_store_id"} if name == "object_store" else {name}
    assert {secret for secret in MAKERS if after[secret] != before[secret]} == expected
    assert set(changed) == {file for file, text in read_texts(folder).items() if text != texts[file]}
    assert inodes == {path.name: path.stat().st_ino for path in folder.iterdir()}, (
        "containers keep the file they mounted"
    )
    assert examine(folder) == []


def test_what_the_last_fernet_key_encrypted_can_still_be_read(folder, dice):
    keys = [(folder / "fernet_key").read_text()]
    for _ in range(2):
        rotate(folder, "fernet_key", dice)
        keys.append((folder / "fernet_key").read_text())
    assert keys[1].endswith(f",{keys[0]}")
    assert keys[2].split(",")[1] == keys[1].split(",")[0], "and the one before that is gone"


def test_folder_that_is_wrong_is_told_file_by_file(folder):
    (folder / "jwt_secret").chmod(0o644)
    folder.chmod(0o755)
    (folder / "fernet_key").unlink()
    (folder / "grafana_admin_password").write_text("admin")
    (folder / "logins.json").write_text("{}")
    watch = (folder / "watch.pgpass").read_text()
    (folder / "watch.pgpass").write_text(watch[:-5] + "zzzz\n")
    found = {(problem.rule, problem.file, problem.secret) for problem in examine(folder)}
    assert found == {
        ("open", ".", None),
        ("open", "jwt_secret", None),
        ("missing", "fernet_key", None),
        ("weak", "grafana_admin_password", "grafana"),
        ("unreadable", "logins.json", None),
        ("differs", "airflow.pgpass", "ledger"),
        ("differs", "worker.pgpass", "ledger"),
        ("differs", "watch.pgpass", "ledger"),
        ("differs", "roles.sql", "ledger"),
    }


@pytest.mark.parametrize(
    "chosen", ["admin", "airflow", "postgres123", "changeme", "nightshift-password", "short7", "a" * 40, ""]
)
def test_default_or_guessable_password_is_told(folder, chosen):
    (folder / "grafana_admin_password").write_text(chosen)
    [problem] = examine(folder)
    assert (problem.rule, problem.secret) == ("weak", "grafana")


def test_files_that_contradict_each_other_are_mended_by_a_rotation_and_by_nothing_else(folder, dice):
    text = (folder / "watch.pgpass").read_text()
    (folder / "watch.pgpass").write_text(text[:-5] + "zzzz\n")
    (folder / "worker.pgpass").unlink()
    with pytest.raises(UsageError, match=r"ledger is not the same in .*nightshift secrets rotate ledger"):
        initialise(folder, dice)
    initialise_after = rotate(folder, "ledger", dice)
    assert "worker.pgpass" in initialise_after
    assert examine(folder) == []


def test_neither_commands_nor_their_json_show_a_secret(folder, monkeypatch):
    for name in ("broker_url", "watch.pgpass", "logins.json"):
        (folder / name).chmod(0o644)
    (folder / "connections.json").write_text((folder / "connections.json").read_text()[:-9])
    said = ""
    for words in (["init"], ["check"], ["check", "--json"], *(["rotate", name] for name in ROTATABLE), ["check"]):
        secret = {value for name in read_texts(folder) for value in _long_words((folder / name).read_text())}
        said = CliRunner().invoke(cli, ["secrets", *words, "--folder", str(folder)]).output
        assert said
        assert not [value for value in secret if value in said], words


def _long_words(text):
    return re.findall(r"[0-9a-f]{40,}|[0-9A-F]{20}|[A-Za-z0-9_-]{43}=", text)


def test_json_of_check_says_what_is_wrong(folder):
    (folder / "redis.conf").unlink()
    done = CliRunner().invoke(cli, ["secrets", "check", "--json", "--folder", str(folder)])
    assert done.exit_code == 1
    [problem] = json.loads(done.stdout)
    assert (problem["rule"], problem["file"]) == ("missing", "redis.conf")


def test_verifier_is_the_one_of_the_rfc():
    """The example of RFC 7677, section 3: what its server's signature was made of."""
    import base64
    import hashlib
    import hmac

    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    known = verifier("pencil", salt)
    server_key = base64.b64decode(known.rpartition(":")[2])
    said = (
        "n=user,r=rOprNGfwEbeRWgbNEkqO,"
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    )
    signature = hmac.new(server_key, said.encode(), hashlib.sha256).digest()
    assert base64.b64encode(signature).decode() == "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    assert vouches(known, "pencil")
    assert not vouches(known, "pencils")


def test_sql_of_roles_holds_no_password(folder):
    text = (folder / "roles.sql").read_text()
    assert len(verifiers_in(text)) == 5
    assert not re.search("[0-9a-f]{40}", text)


def test_dice_decide(tmp_path):
    numbers = count()
    initialise(tmp_path / "a", lambda size: bytes([next(numbers) % 251] * size))
    numbers = count()
    initialise(tmp_path / "b", lambda size: bytes([next(numbers) % 251] * size))
    assert read_texts(tmp_path / "a") == read_texts(tmp_path / "b")
