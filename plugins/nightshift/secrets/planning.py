"""What is to be written, and what is wrong: functions of the texts that are there. No message shows a secret."""

from __future__ import annotations

from collections.abc import Mapping
from configparser import Error as ConfigError
from dataclasses import dataclass
from typing import Literal

from nightshift.secrets.files import BY_NAME, FILES, ROLES_SQL, SecretFile, verifiers_in
from nightshift.secrets.scram import vouches
from nightshift.secrets.values import MAKERS, ROLES, TOGETHER, Dice, renewed, weakness
from pipelines.engine.errors import UsageError

Texts = Mapping[str, str]
"""Texts of the files that are there, by name."""
Rule = Literal["missing", "open", "unreadable", "differs", "weak"]


@dataclass(frozen=True)
class SecretProblem:
    """Something about the files of secrets that is to be mended.

    Attributes:
        rule: `missing`, `open` to others, `unreadable`, `differs` from another file, or `weak`.
        file: Which file, or `.` for the folder.
        secret: Which secret in it; None if it is about the file.
        text: What is wrong.
        way_out: What to do.
    """

    rule: Rule
    file: str
    secret: str | None
    text: str
    way_out: str


def missing_files(texts: Texts, dice: Dice) -> dict[str, str]:
    """Return the files that are not there, made of the secrets in those that are, and of new ones.

    Raises:
        UsageError: A secret cannot be told from the files that are there.
    """
    missing = [file for file in FILES if file.name not in texts]
    values = _values(texts, [name for file in missing for name in file.holds])
    strange = [role for role in ROLES if role not in values and ROLES_SQL in texts and _needed(role, missing)]
    if strange:
        raise UsageError(
            f"no file holds the password of {strange[0]} any more, and {ROLES_SQL} sets it: a new one would differ. "
            f"Give it a new one: nightshift secrets rotate {strange[0]}"
        )
    made = {name: maker(dice) for name, maker in MAKERS.items() if name not in values}
    return {file.name: file.text({**made, **values}, dice) for file in missing}


def _needed(name: str, files: list[SecretFile]) -> bool:
    return any(name in file.holds for file in files)


def rotated_files(texts: Texts, name: str, dice: Dice) -> dict[str, str]:
    """Return the new texts of all files that hold a secret, with another one in its place.

    Raises:
        UsageError: Other secrets of these files cannot be told.
    """
    changed = TOGETHER.get(name, (name,))
    files = [file for file in FILES if set(changed) & set(file.holds)]
    others = {other for file in files for other in file.holds} - set(changed)
    values = _values(texts, sorted(others))
    unknown = sorted(others - set(values))
    if unknown:
        raise UsageError(f"no file holds {unknown[0]}, which stands beside {name}. Run first: nightshift secrets init")
    old = {each: next(iter(_found(texts, each).values()), None) for each in changed}
    new = {each: renewed(each, old[each], dice) for each in changed}
    return {file.name: file.text({**values, **new}, dice) for file in files}


def problems(texts: Texts) -> list[SecretProblem]:
    """Return what is wrong with the texts: what is missing, cannot be read, differs, or is a default."""
    found = [
        SecretProblem(
            "missing", file.name, None, f"{file.name}, for {file.reader}, is missing", "nightshift secrets init"
        )
        for file in FILES
        if file.name not in texts
    ]
    found += [_unreadable(name) for name in texts if _read(name, texts[name]) is None]
    for name in MAKERS:
        found += _differing(texts, name)
        found += [
            SecretProblem(
                "weak", file, name, f"{name} in {file} {why}", f"nightshift secrets rotate {_rotatable(name)}"
            )
            for file, value in _found(texts, name).items()
            if name != "object_store_id" and (why := weakness(value.split(",")[0]))
        ]
    return found + _strange_verifiers(texts)


def _unreadable(name: str) -> SecretProblem:
    return SecretProblem(
        "unreadable",
        name,
        None,
        f"{name}, for {BY_NAME[name].reader}, is not in the form that it was written in",
        "mend it, or remove it and run: nightshift secrets init",
    )


def _differing(texts: Texts, name: str) -> list[SecretProblem]:
    found = _found(texts, name)
    if len(set(found.values())) < 2:
        return []
    text = f"{name} is not the same in {' and '.join(found)}"
    return [
        SecretProblem("differs", file, name, text, f"nightshift secrets rotate {_rotatable(name)}") for file in found
    ]


def _strange_verifiers(texts: Texts) -> list[SecretProblem]:
    known = verifiers_in(texts.get(ROLES_SQL, ""))
    passwords = {role: value for role in known for value in _found(texts, role).values() if value.isascii()}
    return [
        SecretProblem(
            "differs",
            ROLES_SQL,
            role,
            f"{ROLES_SQL} sets another password of {role} than the other files hold",
            f"nightshift secrets rotate {role}",
        )
        for role, password in passwords.items()
        if not vouches(known[role], password)
    ]


def _rotatable(name: str) -> str:
    return next((whole for whole, parts in TOGETHER.items() if name in parts), name)


def _values(texts: Texts, names: list[str]) -> dict[str, str]:
    values = {}
    for name in dict.fromkeys(names):
        found = _found(texts, name)
        if len(set(found.values())) > 1:
            raise UsageError(
                f"{name} is not the same in {' and '.join(found)}, so nobody can tell which one is right. "
                f"Give all of them a new one: nightshift secrets rotate {_rotatable(name)}"
            )
        values.update(dict.fromkeys([name] if found else [], next(iter(found.values()), "")))
    return values


def _found(texts: Texts, name: str) -> dict[str, str]:
    """Return a secret by the file that it was found in."""
    read = {file: _read(file, text) or {} for file, text in texts.items() if name in BY_NAME[file].holds}
    return {file: values[name] for file, values in read.items() if name in values}


def _read(name: str, text: str) -> dict[str, str] | None:
    try:
        found = BY_NAME[name].read(text)
    except (ValueError, LookupError, ConfigError):
        return None
    return None if name == ROLES_SQL and set(verifiers_in(text)) != set(ROLES) else found
