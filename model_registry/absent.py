"""Why a model, an alias or a version is not there, in words that have what there is instead."""

import difflib
from collections.abc import Iterable, Mapping

from model_registry.errors import KeyConflict, NoSuchAlias, NoSuchModel, NoSuchRun, NoSuchVersion


def no_such_model(name: str, known: Iterable[str]) -> NoSuchModel:
    """Nothing is registered under a name; with the nearest one that is."""
    return NoSuchModel(
        f"No model is registered as {name!r}.{_nearest(name, known)}\nTo train one, run `nightshift train {name}`."
    )


def no_such_alias(name: str, alias: str, aliases: Mapping[str, str]) -> NoSuchAlias:
    """A model has not this alias; with those that it has."""
    known = ", ".join(f"{known} -> {version}" for known, version in sorted(aliases.items())) or "none"
    return NoSuchAlias(
        f"The model {name!r} has no alias {alias!r}. Its aliases: {known}.{_nearest(alias, aliases)}\n"
        f"To train and promote one, run `nightshift train {name}`."
    )


def no_such_version(name: str, number: str, known: Iterable[str]) -> NoSuchVersion:
    """A model has not this version; with those that it has."""
    numbers = ", ".join(sorted(known, key=int)) or "none"
    return NoSuchVersion(f"The model {name!r} has no version {number!r}. Its versions: {numbers}.")


def no_such_run(run_id: str) -> NoSuchRun:
    """There is no such training run."""
    return NoSuchRun(f"The tracking store has no run {run_id!r}; train again.")


def other_files(who: str, registered: tuple[str, str], offered: tuple[str, str]) -> KeyConflict:
    """A key is registered already, and from other model files; each side is a run and the digest of its package."""
    return KeyConflict(
        f"{who} is registered under this key, but from other model files.\n"
        f"Registered: run {registered[0]}, package {registered[1]}\nOffered: run {offered[0]}, package {offered[1]}\n"
        "One key stands for one result: a new training needs a new key."
    )


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
