"""The file that keeps a login of MLflow's server. What it opens at a real server is tried in test_logins."""

from __future__ import annotations

import pytest

from model_registry import Registry, RegistryRefused, RegistryUnavailable
from model_registry.credentials import read_login

PASSWORD = "a 100% secret: password"


@pytest.fixture
def login(tmp_path):
    file = tmp_path / "mlflow_credentials"
    file.write_text(f"[mlflow]\nmlflow_tracking_username = nightshift\nmlflow_tracking_password = {PASSWORD}\n")
    return file


def test_login_is_read_as_it_stands(login):
    assert read_login(login) == ("nightshift", PASSWORD)


@pytest.mark.parametrize("text", ["", "[mlflow]\n", "[other]\na = b\n", f"no ini: {PASSWORD}", f"[mlflow\n{PASSWORD}"])
def test_file_that_is_no_login_is_told_without_what_is_in_it(login, text):
    login.write_text(text)
    with pytest.raises(RegistryRefused, match=r"is no login of MLflow; expected the section \[mlflow\]") as caught:
        read_login(login)
    assert PASSWORD not in str(caught.value)
    with pytest.raises(RegistryRefused, match="is no login of MLflow"):
        Registry("http://127.0.0.1:9", credentials=login).versions("flights")


def test_missing_file_is_told_before_anybody_is_asked(tmp_path):
    with pytest.raises(RegistryUnavailable, match=r"The login of MLflow cannot be read: .*No such file"):
        Registry("http://127.0.0.1:9", credentials=tmp_path / "none").versions("flights")
