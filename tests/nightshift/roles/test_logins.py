"""The file of logins: read, or refused without a word of what is in it."""

from __future__ import annotations

import json

import pytest

from nightshift.roles.errors import LoginsUnreadable
from nightshift.roles.logins import read_logins


def test_logins_come_in_the_order_of_the_file_and_show_no_password(tmp_path):
    path = tmp_path / "logins.json"
    path.write_text(json.dumps({"viewer": "password-one", "admin": "password-two"}))
    logins = read_logins(path)
    assert [(login.name, login.password) for login in logins] == [("viewer", "password-one"), ("admin", "password-two")]
    assert "password" not in repr(logins).replace("password=", "")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "Got: No such file"),
        ('{"admin": "secret', "Got: no JSON"),
        ('["secret"]', "Got: something else"),
        ("{}", "Got: an empty one"),
        ('{"root": "secret-secret-secret"}', "the login 'root', which has no role"),
        ('{"admin": "secret"}', "a password of admin that is shorter than 12"),
        ('{"admin": 123456789012}', "a password of admin"),
    ],
)
def test_another_file_is_refused_in_words(tmp_path, content, said):
    path = tmp_path / "logins.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(LoginsUnreadable) as caught:
        read_logins(path)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value).replace("nightshift secrets init", "")
