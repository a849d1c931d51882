"""The stack on this machine: addresses, and files in which they stand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nightshift.embedded.tree import SETTINGS_MODULE
from nightshift.stack.definition import Definition, Role
from nightshift.stack.layout import StackLayout
from nightshift.stack.places import SECRETS, Places, addresses
from nightshift.stack.programs import ABSENT, Program, names_of, program_of
from pipelines.engine.home import private_folder, write_privately
from pipelines.engine.settings import REPOSITORY

AIRFLOW_HOME = "/opt/airflow"
CODE = "/opt/nightshift"


def places_of(definition: Definition, network: str, layout: StackLayout) -> dict[str, Places]:
    """Return where things are, for each process by its name."""
    hosts = addresses(network, tuple(definition.roles))
    published = {port: hosts[role.name] for role in definition.roles.values() for port in role.published}
    return {
        name: Places(hosts, _own(hosts[role.name], number), _paths(role, name, definition, layout), published)
        for role in definition.roles.values()
        for number, name in enumerate(names_of(role))
    }


def programs_of(definition: Definition, network: str, layout: StackLayout) -> tuple[Program, ...]:
    """Return the processes of the stack, in the definition's order."""
    places = places_of(definition, network, layout)
    return tuple(program_of(role, name, places[name]) for role in definition.roles.values() for name in names_of(role))


def write_files(definition: Definition, network: str, layout: StackLayout) -> None:
    """Write what processes read: secrets, configuration with this machine's addresses, and their folders."""
    places = places_of(definition, network, layout)
    for role in definition.roles.values():
        if role.name in ABSENT:
            continue
        for name in names_of(role):
            _write_of(role, name, places[name], definition, layout)


def _write_of(role: Role, name: str, places: Places, definition: Definition, layout: StackLayout) -> None:
    for secret in role.secrets:
        _copy(layout.secrets / secret, layout.run / "secrets" / secret, places)
    for mount in role.mounts:
        if mount.is_volume:
            if mount.source != "postgres":
                private_folder(layout.volume(mount.source))
        elif _is_configuration(mount.source, definition):
            source, target = Path(mount.source), Path(places.paths[mount.target])
            for file in [source] if source.is_file() else sorted(path for path in source.rglob("*") if path.is_file()):
                _copy(file, target / file.relative_to(source) if source.is_dir() else target, places)
        else:
            link(Path(mount.source), layout.linked(mount.source))
    if any(key == "AIRFLOW_HOME" for key in role.environment):
        config = private_folder(Path(places.paths[AIRFLOW_HOME]) / "config")
        with write_privately(config / "airflow_local_settings.py") as settings:
            settings.write(SETTINGS_MODULE)


def link(source: Path, folder: Path) -> None:
    """Show what is in a folder of the user's under another one, where a demonstration may add a file of its own.

    An edit is seen at once, a new file when this is done again.
    """
    private_folder(folder)
    for entry in sorted(source.iterdir()):
        target = folder / entry.name
        if entry.name != "__pycache__" and not target.is_symlink():
            target.symlink_to(entry)


def _copy(source: Path, target: Path, places: Places) -> None:
    private_folder(target.parent)
    with write_privately(target) as file:
        file.write(places.here(source.read_text()))


def _own(address: str, number: int) -> str:
    """Give the second process of a role an address of its own, far from the roles'."""
    if number == 0:
        return address
    network, _, last = address.rpartition(".")
    return f"{network}.{100 + 10 * number + int(last) % 10}"


def _paths(role: Role, name: str, definition: Definition, layout: StackLayout) -> Mapping[str, str]:
    paths = {
        SECRETS: layout.run / "secrets",
        AIRFLOW_HOME: layout.run / "airflow" / name,
        CODE: REPOSITORY,
    }
    for mount in role.mounts:
        if mount.is_volume:
            paths[mount.target] = layout.volume(mount.source)
        elif _is_configuration(mount.source, definition):
            paths[mount.target] = layout.run / "config" / name / mount.target.strip("/").replace("/", "_")
        else:
            paths[mount.target] = layout.linked(mount.source)
    return {target: str(path) for target, path in paths.items()}


def _is_configuration(source: str, definition: Definition) -> bool:
    """Whether a mount is one of the stack's own files; what lies elsewhere, such as dags/, is linked to where it lies."""
    return Path(source).is_relative_to(definition.folder)
