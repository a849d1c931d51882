"""An object store that speaks S3: moto, in a process of its own."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from nightshift.drill.servers.errors import NotInstalled, ServerFailed
from nightshift.drill.servers.guarded import Guarded, listens, start_on_free_port
from nightshift.drill.servers.proxy import LOOPBACK, Address

PROGRAM = Path(__file__).with_name("moto_server.py")
REGION = "us-east-1"


class ObjectStore:
    """A store that forgets everything in the end; `with ObjectStore() as store:`.

    It checks no signatures, but honours `If-None-Match: *` on PUT, as S3 does.

    Raises:
        NotInstalled: moto is not.
        ServerFailed: It does not start.
    """

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._process: Guarded | None = None
        self._port = 0

    @property
    def address(self) -> Address:
        """Host and port, for a proxy."""
        return LOOPBACK, self._port

    @property
    def url(self) -> str:
        """The endpoint, without a slash at the end."""
        return f"http://{LOOPBACK}:{self._port}"

    def environment(self, url: str | None = None) -> dict[str, str]:
        """Return the environment variables that point clients here, which are delta-rs' storage options, too.

        Args:
            url: Of a proxy in front, if clients shall go through one.
        """
        return {
            "AWS_ENDPOINT_URL": url or self.url,
            "AWS_ACCESS_KEY_ID": "drill",
            "AWS_SECRET_ACCESS_KEY": "not-a-secret",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ALLOW_HTTP": "true",
            "AWS_EC2_METADATA_DISABLED": "true",  # nobody asks the network who we are
        }

    def create_bucket(self, name: str) -> None:
        """Make a bucket, which others can use at once; does nothing if it is there.

        Raises:
            ServerFailed: The store refused.
        """
        import httpx

        answer = httpx.put(f"{self.url}/{name}", trust_env=False)
        if answer.is_error:
            raise ServerFailed(f"the drill's object store did not make the bucket {name!r}: {answer.text[:500]}")

    def __enter__(self) -> Self:
        if importlib.util.find_spec("moto") is None or importlib.util.find_spec("flask") is None:
            raise NotInstalled(
                "the drill's object store needs moto; run `make setup`, or pip install 'moto[s3,server]'"
            )
        self._folder = Path(tempfile.mkdtemp(prefix="nightshift-s3-"))
        try:
            self._process, self._port = start_on_free_port(self._start)
        except BaseException:
            self._forget()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.stop()
        self._forget()

    def _start(self, port: int) -> Guarded:
        assert self._folder is not None  # noqa: S101 - made before
        # The credentials of whoever runs the drill are none of the server's business.
        foreign = ("AWS_", "MOTO_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        process = Guarded(
            "object store",
            [sys.executable, "-P", str(PROGRAM), LOOPBACK, str(port)],
            log=self._folder / "log",
            environment=environment | {"TMPDIR": str(self._folder)},
            folder=self._folder,
            disposable=self._folder,
        )
        process.wait_until(lambda: listens(port))
        return process

    def _forget(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
