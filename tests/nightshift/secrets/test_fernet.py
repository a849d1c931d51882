"""Airflow reads with the rotated file what it encrypted with the one before."""

from __future__ import annotations

from secrets import token_bytes

import pytest
from airflow.models import crypto
from cryptography.fernet import InvalidToken

from nightshift.secrets.folder import initialise, rotate


@pytest.fixture
def airflow(monkeypatch, tmp_path):
    """Airflow's own encryption, with the key that the stack's file holds now."""
    initialise(tmp_path, token_bytes)

    def fernet():
        monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY_CMD", f"cat {tmp_path}/fernet_key")
        crypto.get_fernet.cache_clear()
        return crypto.get_fernet()

    monkeypatch.delenv("AIRFLOW__CORE__FERNET_KEY", raising=False)
    yield fernet
    crypto.get_fernet.cache_clear()


def test_connections_of_before_can_be_read_and_encrypted_anew(airflow, tmp_path):
    old = airflow().encrypt(b"of a connection")
    rotate(tmp_path, "fernet_key", token_bytes)
    assert airflow().decrypt(old) == b"of a connection"
    new = airflow().rotate(old)  # what `airflow rotate-fernet-key` does with each
    (tmp_path / "fernet_key").write_text((tmp_path / "fernet_key").read_text().split(",")[0])
    assert airflow().decrypt(new) == b"of a connection"
    with pytest.raises(InvalidToken):
        airflow().decrypt(old)
