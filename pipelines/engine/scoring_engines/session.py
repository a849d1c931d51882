"""The door to a Spark cluster: Spark Connect, or a driver of our own."""

from __future__ import annotations

import re
import socket
import sys
import warnings
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipelines.engine.errors import EngineError, EngineUnavailable

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CONNECT_SECONDS = 5.0
PORTS = {"sc": 15002, "spark": 7077}
LONGEST_SAYING = 600
STACK = re.compile(r"\s*(at [\w.$<>/]+\(|File \"|\.\.\. \d+ more|\^+\s*$|Traceback \(most)|^\s{4,}|JVM stacktrace")


def open_session(address: str) -> SparkSession:
    """Open a session.

    Args:
        address: `sc://HOST:PORT` with Spark Connect's parameters, or a master: `yarn`, `k8s://...`, `spark://HOST:PORT`,
            `local[2]`. Everything else about the cluster is read from Spark's own configuration.

    Raises:
        EngineError: PySpark or Java is missing, or the address is none.
        EngineUnavailable: The cluster does not answer.
    """
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise EngineError(
            f"engine spark needs PySpark, which is not installed ({error}). Install it beside Nightshift with: make setup-spark"
        ) from None
    # It is about frames of pandas, and what we hand over is Arrow's.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    _knock(address)
    try:
        if address.startswith("sc://"):
            session: SparkSession = SparkSession.builder.remote(address).create()
        else:
            builder = SparkSession.builder.master(address).appName("nightshift")
            session = _configured(builder, address).getOrCreate()
            if address.startswith("local"):  # its executors are this machine: the same Python
                session.sparkContext.pythonExec = sys.executable
    except (PySparkException, ValueError, RuntimeError, OSError) as error:
        raise _refused(address, error) from error
    return session


def without_secrets(address: str) -> str:
    """Return an address without the parameters of Spark Connect, which may hold a token."""
    return address.split("/;")[0].split("@")[-1] if "://" in address else address


def _configured(builder: SparkSession.Builder, address: str) -> SparkSession.Builder:
    builder = builder.config("spark.ui.showConsoleProgress", "false")
    return builder.config("spark.ui.enabled", "false") if address.startswith("local") else builder


def _knock(address: str) -> None:
    """Ask whether anybody listens: Spark itself would ask for minutes."""
    parts = urlsplit(address)
    if parts.scheme not in PORTS:
        return
    hosts = parts.netloc.rpartition("@")[2].split(",")  # spark:// may name several masters
    try:
        for host, port in (_host_and_port(host, PORTS[parts.scheme]) for host in hosts):
            try:
                socket.create_connection((host, port), CONNECT_SECONDS).close()
            except OSError as error:
                trouble = error
            else:
                return
    except ValueError:
        raise EngineError(
            f"{without_secrets(address)!r} is no address of a Spark cluster; expected such as sc://spark.internal:15002"
        ) from None
    raise EngineUnavailable(
        f"Spark does not answer at {without_secrets(address)}: {trouble}. Nothing was scored; the retry goes on where this "
        "one stopped. Check NIGHTSHIFT_SPARK, or the Airflow connection, and the cluster."
    )


def _host_and_port(place: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{place}")
    if not parts.hostname:
        raise ValueError(place)
    return parts.hostname, parts.port or port


def _refused(address: str, error: Exception) -> EngineError:
    said = said_by(error)
    if "JAVA_GATEWAY" in said or "JAVA_HOME" in said:
        return EngineError(
            f"engine spark cannot start its driver for {without_secrets(address)}: {said}. It needs Java 17 or newer "
            "(Debian: default-jre-headless), or a Spark Connect address, which needs none."
        )
    return EngineUnavailable(
        f"Spark at {without_secrets(address)} gives no session: {said}. Nothing was scored; check the cluster, and the "
        "retry goes on where this one stopped."
    )


def said_by(error: Exception) -> str:
    """Return what Spark says, without the stacks of Python and Java that it adds: its beginning and its end."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not STACK.match(line)]
    said = ": ".join(dict.fromkeys(lines))
    half = LONGEST_SAYING // 2
    return said if len(said) <= LONGEST_SAYING else f"{said[:half]} ... {said[-half:]}"
