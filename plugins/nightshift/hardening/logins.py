"""Logins: who gets into Airflow, our pages and MLflow without being known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nightshift.addresses import PREFIX
from nightshift.hardening.options import Options, variable
from nightshift.hardening.sight import Answered, Sight
from nightshift.hardening.values import Check, Fault

UNKNOWN = (401, 403)
"""What is said to somebody who is not known, or not let in."""
ELSEWHERE = (301, 302, 303, 307, 308)
"""Sent on, to where one logs in."""
GUESSES = (("admin", "admin"), ("airflow", "airflow"), ("admin", "password"), ("nightshift", "nightshift"))
MLFLOW_GUESSES = (("admin", "password1234"), ("admin", "admin"), ("admin", "password"), ("nightshift", "nightshift"))
"""The first was MLflow's own until it shipped none."""


def judge_simple_auth(options: Options) -> Iterator[Fault]:
    """Whether people have accounts."""
    manager = options.value("core", "auth_manager")
    if manager.endswith("SimpleAuthManager"):
        yield Fault(
            f"Airflow's auth manager ({variable('core', 'auth_manager')})",
            "one with accounts, such as FabAuthManager",
            "SimpleAuthManager, which is for development: passwords lie in a file as they are",
            "Set AIRFLOW__CORE__AUTH_MANAGER, and make accounts with `nightshift roles sync`",
        )


def judge_all_admins(options: Options) -> Iterator[Fault]:
    """Whether everybody is an administrator."""
    if options.on("core", "simple_auth_manager_all_admins"):
        yield Fault(
            f"Airflow ({variable('core', 'simple_auth_manager_all_admins')})",
            "False",
            "True: whoever reaches it is an administrator, and so may run code",
            "Take it out",
        )


def judge_anonymous(answers: Sequence[Answered]) -> Iterator[Fault]:
    """Whether somebody who did not log in is told anything."""
    for answer in answers:
        if answer.status in (*UNKNOWN, *ELSEWHERE):
            continue
        open_to_all = answer.status < 300
        yield Fault(
            answer.url,
            "401 for somebody who did not log in",
            f"{answer.status}" + (", with what was asked for" if open_to_all else ", which says nothing of a login"),
            "Set an auth manager with accounts"
            if open_to_all
            else "See whether Airflow's API server is at this address",
        )


def judge_mlflow(answers: Sequence[Answered]) -> Iterator[Fault]:
    """Whether MLflow asks who one is. 403 is no proof: it also refuses hosts that it does not know."""
    for answer in answers:
        if answer.status == 401:
            continue
        yield Fault(
            f"MLflow at {answer.url}",
            "401 for somebody who did not log in",
            f"{answer.status}",
            "Start it with --app-name basic-auth, or put a login before it: whoever may register versions may bring in a model"
            if answer.status < 300
            else "See whether MLflow is at this address, and whether --allowed-hosts has its name",
        )


@dataclass(frozen=True)
class Guess:
    """A login that was tried, and that everybody could try."""

    where: str
    how: str
    let_in: bool


def judge_guesses(guesses: Sequence[Guess]) -> Iterator[Fault]:
    """Whether one of the well-known logins works."""
    for guess in guesses:
        if guess.let_in:
            yield Fault(
                guess.where,
                "that no well-known login works",
                f"{guess.how} gets in",
                "Switch logins on, and let passwords be random: `nightshift secrets rotate` makes them",
            )


def look_at_api(sight: Sight) -> list[Answered]:
    """Ask Airflow's API for DAGs, connections and its configuration, as nobody."""
    paths = ("/api/v2/dags", "/api/v2/connections", "/api/v2/config")
    return [sight.get(f"{sight.airflow}{path}") for path in paths]


def look_at_pages(sight: Sight) -> list[Answered]:
    """Ask for our pages and for a static file, as nobody: without a login there is not even a 404."""
    return [sight.get(f"{sight.airflow}{PREFIX}{path}") for path in ("/", "/static/any.css")]


def look_at_mlflow(sight: Sight) -> list[Answered]:
    """Ask MLflow for experiments and registered models, as nobody."""
    paths = (
        "/api/2.0/mlflow/experiments/search?max_results=1",
        "/api/2.0/mlflow/registered-models/search?max_results=1",
    )
    return [sight.get(f"{sight.mlflow}{path}") for path in paths]


def guess_airflow(sight: Sight) -> list[Guess]:
    """Try the usual logins of Airflow; and none at all, which an Airflow of administrators alone answers with a token."""
    url, where = f"{sight.airflow}/auth/token", f"Airflow at {sight.airflow}"
    nobody = sight.get(url)
    if nobody.status < 300 and isinstance(nobody.body, dict):
        return [Guess(where, "whoever asks for a token", let_in=True)]
    tried = [(f"{name} with the password {word!r}", {"username": name, "password": word}) for name, word in GUESSES]
    return [Guess(where, how, sight.post(url, body).status < 300) for how, body in tried]


def guess_mlflow(sight: Sight) -> list[Guess]:
    """Try the usual logins of MLflow; one that lets everybody in is told of elsewhere."""
    url = f"{sight.mlflow}/api/2.0/mlflow/experiments/search?max_results=1"
    open_to_all = sight.get(url).status < 300

    def let_in(login: tuple[str, str]) -> bool:
        return not open_to_all and sight.get(url, login=login).status < 300

    where = f"MLflow at {sight.mlflow}"
    return [Guess(where, f"{login[0]} with the password {login[1]!r}", let_in(login)) for login in MLFLOW_GUESSES]


def judge_public(options: Options) -> Iterator[Fault]:
    """Whether somebody who did not log in has a role, or whoever comes may make an account."""
    role = options.value("fab", "auth_role_public")
    if role:
        yield Fault(
            f"Airflow ({variable('fab', 'auth_role_public')})",
            "unset",
            f"{role}: whoever does not log in has this role",
            "Take it out",
        )


def judge_cookies(options: Options) -> Iterator[Fault]:
    """Whether a browser would send the session of an https site over http."""
    https = options.value("api", "base_url").startswith("https://")
    if (
        https
        and options.value("core", "auth_manager").endswith("FabAuthManager")
        and not options.on("fab", "cookie_secure")
    ):
        yield Fault(
            f"Airflow ({variable('fab', 'cookie_secure')})",
            "True, because its pages are at https",
            "False: a browser sends the session over http as well",
            "Set it to True",
        )


OPTIONS = "Airflow's options, as this process has them"
ADDRESS = "Airflow's address: AIRFLOW__CORE__EXECUTION_API_SERVER_URL or AIRFLOW__API__BASE_URL"
CHECKS = (
    Check("simple-auth", "Logins", "people have accounts", OPTIONS, lambda sight: sight.options, judge_simple_auth),
    Check(
        "all-admins",
        "Logins",
        "not everybody is an administrator",
        OPTIONS,
        lambda sight: sight.options,
        judge_all_admins,
    ),
    Check("public-role", "Logins", "strangers have no role", OPTIONS, lambda sight: sight.options, judge_public),
    Check("cookies", "Logins", "sessions go over https alone", OPTIONS, lambda sight: sight.options, judge_cookies),
    Check("anonymous-api", "Logins", "Airflow's API asks for a login", ADDRESS, look_at_api, judge_anonymous),
    Check("anonymous-pages", "Logins", "our pages ask for a login", ADDRESS, look_at_pages, judge_anonymous),
    Check(
        "airflow-default-login", "Logins", "no well-known login opens Airflow", ADDRESS, guess_airflow, judge_guesses
    ),
    Check("mlflow-login", "Logins", "MLflow asks for a login", "NIGHTSHIFT_TRACKING_URI", look_at_mlflow, judge_mlflow),
    Check(
        "mlflow-default-login",
        "Logins",
        "no well-known login opens MLflow",
        "NIGHTSHIFT_TRACKING_URI",
        guess_mlflow,
        judge_guesses,
    ),
)
