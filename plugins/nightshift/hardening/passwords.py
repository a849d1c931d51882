"""Passwords of databases and of the broker: tried as whoever tries would."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from model_registry.addresses import passwords_of
from nightshift.hardening.options import variable
from nightshift.hardening.places import Place, place_of
from nightshift.hardening.secrecy import LEAST_PASSWORD, weakness
from nightshift.hardening.sight import PATIENCE_SECONDS, Sight
from nightshift.hardening.values import Check, Fault, NotUsed, Unseen

ROLES = ("postgres", "airflow", "ledger", "ledger_owner", "mlflow", "celery")
"""Whom somebody would try first: the superuser, and the roles of the stack."""
BROKER_WORDS = ("redis", "airflow", "password", "changeme")
URL_WITH_LOGIN = re.compile(r"\w[\w+.-]*://[^\s/@]*:[^\s/@]+@")
REFUSED = ("password", "authentication", "pg_hba.conf", "does not exist", "no encryption")
"""What Postgres says to whom it does not let in."""


@dataclass(frozen=True)
class Door:
    """A login that was tried.

    Attributes:
        place: Where, in words.
        role: As whom.
        how: With which password, in words.
        opened: Whether it let us in.
    """

    place: str
    role: str
    how: str
    opened: bool


def judge_doors(doors: Sequence[Door]) -> Iterator[Fault]:
    """Whether a database let somebody in who knows no password."""
    for door in doors:
        if door.opened:
            yield Fault(
                f"the database server at {door.place}",
                f"that {door.role} needs a password that nobody can guess",
                f"it lets {door.role} in {door.how}",
                "Give the role a random password (`nightshift secrets rotate`), and use scram-sha-256 in pg_hba.conf",
            )


def look_at_doors(sight: Sight) -> list[Door]:
    """Try to log in to each Postgres that is named, as its usual roles, with no password and with the role's name."""
    servers = dict(_postgres(sight))
    if not servers:
        raise NotUsed("no Postgres is named: databases are files")
    return [door for place, database in servers.items() for door in _tried(place, database)]


def _postgres(sight: Sight) -> Iterator[tuple[Place, str]]:
    for url in (
        sight.settings.ledger_url,
        sight.options.value("database", "sql_alchemy_conn"),
        sight.options.value("celery", "result_backend").removeprefix("db+"),
    ):
        place = place_of(url)
        if place is not None and place.scheme == "postgresql":
            yield place, urlsplit(url).path.lstrip("/")


def _tried(place: Place, database: str) -> Iterator[Door]:
    for role in ROLES:
        for password, how in (("", "without a password"), (role, "with its own name as the password")):
            yield Door(str(place), role, how, _opens(place, database, role, password))


def _opens(place: Place, database: str, role: str, password: str) -> bool:
    import psycopg2

    try:
        with closing(
            psycopg2.connect(
                host=place.host,
                port=place.port,
                user=role,
                dbname=database,
                password=password,
                passfile="/dev/null/none",  # no file at all, so that nobody's real password is used
                connect_timeout=round(PATIENCE_SECONDS),
            )
        ):
            return True
    except psycopg2.OperationalError as error:
        if any(word in str(error) for word in REFUSED):
            return False
        raise Unseen(f"the database server at {place} does not answer: {str(error).strip().splitlines()[0]}") from error


@dataclass(frozen=True)
class Broker:
    """How the broker answered.

    Attributes:
        place: Where it is.
        open_to_all: Whether it answered somebody without a password.
        guessed: Whether one of the usual passwords opened it.
        weak: What is wrong with its password, or empty.
    """

    place: str
    open_to_all: bool
    guessed: bool = False
    weak: str = ""


def judge_broker(broker: Broker) -> Iterator[Fault]:
    """Whether only those who know the password may give workers something to do."""
    expected = f"a random password of at least {LEAST_PASSWORD} characters (requirepass)"
    way_out = "Set requirepass, and put it into the broker URL: `nightshift secrets init` writes both"
    if broker.open_to_all:
        yield Fault(f"Redis at {broker.place}", expected, "it answers without a password", way_out)
    elif broker.guessed or broker.weak:
        yield Fault(f"Redis at {broker.place}", expected, broker.weak or "a word that everybody knows", way_out)


def look_at_broker(sight: Sight) -> Broker:
    """Ask Redis whether it is there, without a password and with the usual ones."""
    if not sight.options.uses_celery:
        raise NotUsed(f"tasks go through no broker: the executor is {sight.options.value('core', 'executor')}")
    url = sight.options.value("celery", "broker_url")
    place = place_of(url)
    if place is None or not place.scheme.startswith("redis"):
        raise NotUsed("the broker is not Redis")
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.exceptions import AuthenticationError, RedisError
    from redis.retry import Retry

    def opens(password: str | None) -> bool:
        client = Redis(
            host=place.host,
            port=place.port,
            password=password,
            ssl=place.scheme == "rediss",
            retry=Retry(NoBackoff(), 0),  # a wrong password is an answer: it shall not be tried again for half a minute
            socket_timeout=PATIENCE_SECONDS,
            socket_connect_timeout=PATIENCE_SECONDS,
        )
        try:
            with closing(client):
                return bool(client.ping())
        except AuthenticationError:
            return False
        except RedisError as error:
            raise Unseen(f"Redis at {place} does not answer: {error}") from error

    if opens(None):
        return Broker(str(place), open_to_all=True)
    password = unquote(urlsplit(url).password or "")
    return Broker(
        str(place),
        False,
        any(opens(word) for word in BROKER_WORDS),
        weakness(password, LEAST_PASSWORD) if password else "",
    )


@dataclass(frozen=True)
class Written:
    """Variables of this process whose values hold a URL with a password, and weak passwords among them."""

    names: tuple[str, ...]
    weak: tuple[tuple[str, str], ...]


def judge_written(written: Written) -> Iterator[Fault]:
    """Whether passwords lie in the environment, where every task finds them."""
    for name in written.names:
        yield Fault(
            f"the variable {name}",
            "a URL without a password",
            "a URL with a password, which each task and `docker inspect` can read",
            "Postgres takes it from PGPASSFILE, MLflow from a credentials file; Airflow's options also come by "
            "AIRFLOW__SECTION__KEY_CMD='cat FILE'",
        )
    for name, wrong in written.weak:
        yield Fault(
            f"the password in {name}",
            f"a random one of at least {LEAST_PASSWORD} characters",
            wrong,
            "Change it where it is kept: `nightshift secrets rotate`",
        )


def look_at_environment(sight: Sight) -> Written:
    """Read the variables of this process, which are those of the stack, and Airflow's own URLs."""
    names = sorted(name for name, value in sight.environment.items() if _has_login(value))
    urls = {
        "NIGHTSHIFT_LEDGER_URL": sight.settings.ledger_url,
        "NIGHTSHIFT_TRACKING_URI": sight.settings.tracking_uri,
        variable("database", "sql_alchemy_conn"): sight.options.value("database", "sql_alchemy_conn"),
        variable("celery", "result_backend"): sight.options.value("celery", "result_backend"),
    }
    return Written(tuple(names), tuple(weak_ones(urls)))


def _has_login(value: str) -> bool:
    return URL_WITH_LOGIN.search(value) is not None


def weak_ones(urls: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the names of URLs whose password is weak, and what is wrong with it."""
    for name, url in urls.items():
        for password in passwords_of(url)[:1] if _has_login(url) else ():
            wrong = weakness(unquote(password), LEAST_PASSWORD)
            if wrong:
                yield name, wrong


CHECKS = (
    Check(
        "database-passwords",
        "Passwords",
        "Postgres lets nobody in without a password, or with a guessed one",
        "the addresses in NIGHTSHIFT_LEDGER_URL, AIRFLOW__DATABASE__SQL_ALCHEMY_CONN, AIRFLOW__CELERY__RESULT_BACKEND",
        look_at_doors,
        judge_doors,
    ),
    Check(
        "redis-password",
        "Passwords",
        "Redis asks for a password",
        "AIRFLOW__CELERY__BROKER_URL or _CMD, and its address",
        look_at_broker,
        judge_broker,
    ),
    Check(
        "passwords-in-environment",
        "Passwords",
        "no password is in a variable's URL",
        "the variables of this process",
        look_at_environment,
        judge_written,
    ),
)
