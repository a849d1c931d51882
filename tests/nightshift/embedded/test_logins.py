from __future__ import annotations

import json

import pytest

from nightshift.embedded.errors import SecretsDamaged
from nightshift.embedded.logins import admin_of, load_or_make_logins, login_settings


def test_passwords_are_made_once_and_readable_by_the_owner_alone(tmp_path):
    path = tmp_path / "logins.json"
    made = load_or_make_logins(path)
    path.chmod(0o644)
    assert load_or_make_logins(path) == made
    assert path.stat().st_mode & 0o777 == 0o600
    assert made["admin"].password != made["viewer"].password
    assert len(made["viewer"].password) >= 20
    assert json.loads(path.read_text()) == {name: login.password for name, login in made.items()}


def test_passwords_are_in_no_representation(tmp_path):
    logins = load_or_make_logins(tmp_path / "logins.json")
    assert logins["admin"].password not in repr(logins)


def test_settings_name_users_and_the_file_and_no_password(tmp_path):
    path = tmp_path / "logins.json"
    logins = load_or_make_logins(path)
    settings = login_settings(path)
    assert settings["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS"] == "False"
    assert settings["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] == "admin:admin,viewer:viewer"
    assert not any(login.password in str(settings) for login in logins.values())


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"admin": "x"}', "no JSON"])
def test_a_damaged_file_is_said(tmp_path, content):
    path = tmp_path / "logins.json"
    path.write_text(content)
    with pytest.raises(SecretsDamaged, match="Do: delete it to get new passwords"):
        load_or_make_logins(path)


def test_where_nobody_is_asked_there_is_no_administrator(tmp_path):
    assert admin_of(tmp_path / "logins.json") is None
