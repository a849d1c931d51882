"""Where a container's addresses and paths are on this machine: a pure rule for any text that names them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what a container listens on; here it becomes one address of loopback
SECRETS = "/run/secrets"


def addresses(network: str, names: tuple[str, ...]) -> dict[str, str]:
    """Give each role an address of its own.

    Args:
        network: The first three numbers, within 127.0.0.0/8.
        names: The roles; at most 250.
    """
    return {name: f"{network}.{number}" for number, name in enumerate(names, start=2)}


@dataclass(frozen=True)
class Places:
    """What a role's texts mean on this machine.

    Attributes:
        hosts: Address by the name that roles call each other.
        own: The address of the role itself, which it listens on.
        paths: Path on this machine by the path that the container sees.
        published: Address by the port under which the engine would publish a role on `localhost`.
    """

    hosts: Mapping[str, str]
    own: str
    paths: Mapping[str, str] = field(default_factory=dict)
    published: Mapping[int, str] = field(default_factory=dict)

    def here(self, text: str) -> str:
        """Return a text with the addresses and paths of this machine.

        Only what looks like an address is one: a role's name with a port. A path is one as a whole, or with more below it.
        """
        return self.addressed(self._with_paths(text))

    def addressed(self, text: str) -> str:
        """Return a text with the addresses of this machine, and paths as they are."""
        return self._with_hosts(text).replace(EVERYWHERE, self.own)

    def _with_paths(self, text: str) -> str:
        for target in sorted(self.paths, key=len, reverse=True):
            pattern = rf"(?<![\w./~]){re.escape(target)}(?=$|[/\s:,;\"')}}])"
            text = re.sub(pattern, lambda _, path=self.paths[target]: path, text)  # type: ignore[misc]
        return text

    def _with_hosts(self, text: str) -> str:
        for port, address in self.published.items():
            text = re.sub(rf"(?<![\w.-])localhost:{port}(?!\d)", f"{address}:{port}", text)
        if not self.hosts:
            return text
        names = "|".join(re.escape(name) for name in sorted(self.hosts, key=len, reverse=True))
        return re.sub(rf"(?<![\w.-])({names})(?=:\d{{2,5}}(?![\w-]))", lambda found: self.hosts[found[1]], text)
