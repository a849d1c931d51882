"""In which order roles start: what may start now, given what is ready."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from graphlib import CycleError, TopologicalSorter

from nightshift.stack.definition import Role
from nightshift.stack.errors import DefinitionWrong


def starting_order(roles: Iterable[Role]) -> list[Role]:
    """Return the roles so that each comes after those that it needs. Roles that are not given are not waited for.

    Raises:
        DefinitionWrong: They wait for each other in a circle.
    """
    by_name = {role.name: role for role in roles}
    graph = {name: [need for need in role.needs if need in by_name] for name, role in by_name.items()}
    try:
        return [by_name[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        raise DefinitionWrong(f"These roles wait for each other: {' -> '.join(error.args[1])}.") from error


def may_start(role: Role, started: Collection[str], ready: Collection[str], absent: Collection[str]) -> bool:
    """Whether all that a role needs is there.

    Args:
        role: Which one.
        started: Roles that were started.
        ready: Roles that are healthy, and jobs that are done.
        absent: Roles that do not exist here, and are not waited for.
    """
    return all(
        need in absent or need in (started if condition == "service_started" else ready)
        for need, condition in role.needs.items()
    )
