"""What can go wrong with roles and logins, in words that hold no password.

RolesError
├── LoginsUnreadable    the file of logins is not there, or not what it should be
├── OtherAuthManager    Airflow's logins are not FAB's business here
└── RolesNotKept        FAB did not keep what it was told
"""

from __future__ import annotations

from pipelines.engine.errors import NightshiftError


class RolesError(NightshiftError):
    """Roles or logins are not what was asked for."""


class LoginsUnreadable(RolesError):
    """The file of logins is not there, or holds something else."""


class OtherAuthManager(RolesError):
    """Airflow asks another auth manager than FAB who somebody is."""


class RolesNotKept(RolesError):
    """FAB did not keep a role or a user."""
