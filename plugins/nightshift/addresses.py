"""Where our pages are, below the address of Airflow's API server. Pure."""

from __future__ import annotations

from urllib.parse import quote

PREFIX = "/nightshift"
WITHIN_AIRFLOW = "/plugin/nightshift"
"""Nights as the entry of Airflow's own navigation shows them."""


def page_address(base: str, *parts: str) -> str:
    """Return the address of a page.

    Args:
        base: Of Airflow's pages, such as `http://127.0.0.1:8080`.
        parts: Of the path below `/nightshift`, such as `night`, `flights`, `2013-11-19`; none for Airflow's own entry.
    """
    path = "/".join(quote(part, safe="") for part in parts)
    return f"{base.rstrip('/')}{PREFIX}/{path}" if parts else f"{base.rstrip('/')}{WITHIN_AIRFLOW}"
