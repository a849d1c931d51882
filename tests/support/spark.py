"""A real Spark Connect server on this machine, whose Python workers know the small pipeline and die when they are told."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nightshift.drill.servers.guarded import Guarded, listens, start_on_free_port

ROOT = Path(__file__).resolve().parents[2]
SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"


@dataclass(frozen=True)
class SparkServer:
    """Where it listens, and how its workers are told to die."""

    address: str
    signals: Path

    def kill_next_worker(self) -> None:
        """Let the next worker that is in the middle of a shard be killed."""
        (self.signals / "die").touch()

    def killed(self) -> bool:
        """Whether it was."""
        return not (self.signals / "die").exists()


@contextmanager
def spark_server() -> Iterator[SparkServer]:
    """Start the server; without Java or PySpark the tests that need it fail, and say what to install."""
    import pyspark

    home = Path(pyspark.__file__).parent
    paths = [str(ROOT), str(ROOT / "plugins"), *(str(Path(path).resolve()) for path in sys.path if path)]
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_HOME": str(home),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "TIDES_SIGNALS": folder,
        }

        def start(port: int) -> Guarded:
            told = {
                "spark.connect.grpc.binding.address": "127.0.0.1",
                "spark.connect.grpc.binding.port": str(port),
                "spark.python.daemon.module": "tests.support.tides_daemon",
                "spark.ui.enabled": "false",
                "spark.sql.artifact.isolation.enabled": "false",
                "spark.driver.memory": "512m",
            }
            options = [word for name, value in told.items() for word in ("--conf", f"{name}={value}")]
            # Two at a time, and each up to four tries, as on a cluster.
            command = [str(home / "bin" / "spark-submit"), "--master", "local[2,4]", "--class", SERVER, *options]
            log = Path(folder) / "spark.log"
            server = Guarded(
                "Spark Connect server",
                [*command, "spark-internal"],
                log=log,
                environment=environment,
                folder=Path(folder),
            )
            server.wait_until(lambda: listens(port))
            return server

        server, port = start_on_free_port(start)
        try:
            yield SparkServer(f"sc://127.0.0.1:{port}", Path(folder))
        finally:
            server.stop()
