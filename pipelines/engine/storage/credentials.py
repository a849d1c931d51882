"""Who we are at an object store. The engine finds nothing out by itself: its caller brings these."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Simple:
    """S3, or a server that speaks its protocol.

    Attributes:
        access_key: Its public half; None for what the machine itself has (environment, profile, instance role).
        secret_key: Its secret half.
        token: Of a session with an end, else None.
        region: Such as `eu-central-1`.
        endpoint: Address of the server if it is not Amazon's, such as `http://127.0.0.1:9000`.
    """

    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    region: str | None = None
    endpoint: str | None = None

    def delta_options(self) -> dict[str, str]:
        """Return what delta-rs wants to be told.

        What it is not told it takes from the environment, so some of this only keeps the environment out.
        """
        named = {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_SESSION_TOKEN": self.token,
            "AWS_SKIP_SIGNATURE": "false" if self.access_key else None,
            "AWS_CONDITIONAL_PUT": "etag",  # `If-None-Match: *` on each commit, without which there is no exactly-once
            "AWS_REGION": self.region,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ALLOW_HTTP": "true" if (self.endpoint or "").startswith("http://") else None,
        }
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True)
class Google:
    """Google Cloud Storage.

    Attributes:
        service_account: The content of a service account's key file; None for what the machine itself has.
        endpoint: Address of the server if it is not Google's, such as an emulator's.
        anonymous: Send no credentials at all.
    """

    service_account: Mapping[str, Any] | None = field(default=None, repr=False)
    endpoint: str | None = None
    anonymous: bool = False

    def delta_options(self) -> dict[str, str]:
        """Return what delta-rs wants to be told; another address, or that nobody is to be named, in the account alone."""
        account = dict(self.service_account or {})
        if self.anonymous:
            account = {"disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
        if self.endpoint:
            account["gcs_base_url"] = self.endpoint
        options = {"google_service_account_key": json.dumps(account)} if account else {}
        return options | ({"allow_http": "true"} if (self.endpoint or "").startswith("http://") else {})


Credentials = Callable[[str], "Simple | Google"]
"""Given `s3` or `gs`, say who we are there, now: it is asked again every few minutes."""


def machine_credentials(scheme: str) -> Simple | Google:
    """Leave it to the libraries to find what the machine has: environment, profile, instance role."""
    return Simple() if scheme == "s3" else Google()
