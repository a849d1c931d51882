"""What a pipeline lacks: rules about plain values. Those about DAGs are the doctor's."""

from __future__ import annotations

from collections.abc import Iterator

from nightshift.readiness.values import Facts, Gap, Rule
from nightshift.scaffold.review import MARK, made_up_owner


def gaps_of(facts: Facts) -> list[Gap]:
    """Return everything that is missing, what blocks first."""
    found = [*_reviewed(facts), *_dags(facts), *_people(facts), *_data(facts), *_model(facts), *_house(facts)]
    return sorted(found, key=lambda gap: not gap.blocks)


def _reviewed(facts: Facts) -> Iterator[Gap]:
    for mark in facts.marks:
        yield Gap(
            "not_reviewed",
            f"nobody has looked at what was only guessed: {mark.said}",
            f'Look at it, change what is wrong, and take "{MARK}" out with its sentence',
            mark.file,
            mark.line,
        )


def _dags(facts: Facts) -> Iterator[Gap]:
    if not facts.dags:
        yield Gap(
            "no_dag",
            f"no DAG scores or trains {facts.name}",
            f"Write dags/{facts.name}.py with scoring_dag({facts.name}, ...) and training_dag({facts.name}, ...)",
        )
    for finding in facts.findings:
        yield Gap("dag", finding.text, finding.way_out, f"dags/{finding.file}", finding.line)
    if facts.paused:
        yield Gap(
            "starts_paused",
            f"{' and '.join(facts.paused)} {'is' if len(facts.paused) == 1 else 'are'} created paused: no night runs by itself",
            "When rows are delivered each night, take is_paused_upon_creation out, and unpause it in Airflow",
            f"dags/{facts.name}.py",
            blocks=False,
        )


def _people(facts: Facts) -> Iterator[Gap]:
    if made_up_owner(facts.name) in facts.dags.values():
        yield Gap(
            "made_up_owner",
            f"its owner is {made_up_owner(facts.name)}, a name that was made up",
            "Say who answers for it: owner= in its DAG file, and a route of that name in routes.toml",
            f"dags/{facts.name}.py",
        )
    for owner in facts.only_logged:
        yield Gap(
            "only_logged",
            f"alerts of {owner} only reach a log, which nobody reads at night",
            f"Add a route that people hear to routes.toml: owner = {owner!r}, and an url; docs/alerts.md has them",
            "routes.toml",
        )


def _data(facts: Facts) -> Iterator[Gap]:
    if not facts.labelled:
        yield Gap(
            "no_labels",
            f"{facts.delivered} nights have rows, and none of them has labels",
            f"Deliver them, or run `nightshift data {facts.name}`",
        )
    elif facts.labelled < facts.window:
        yield Gap(
            "few_nights",
            f"{facts.labelled} nights have rows and labels, fewer than the {facts.window} of its window",
            "Deliver older nights, wait, or declare a shorter Window",
        )
    if facts.makes_rows:
        yield Gap(
            "makes_its_rows",
            "its rows are made by its own prepare, from what lay there then: no new night comes by itself",
            "Have each night delivered (README, Configuration: NIGHTSHIFT_DATA), or name a table: Rows(source=SqlTable(...))",
            blocks=False,
        )


def _model(facts: Facts) -> Iterator[Gap]:
    if not facts.tests:
        yield Gap(
            "no_tests", "it has no tests", f"Write tests/pipelines/{facts.name}/test_{facts.name}.py; flights has some"
        )
    if not facts.slices:
        yield Gap(
            "no_slices",
            "no slices: a model may be bad for one depot, carrier or town, and nobody would see it",
            "Declare slices= with the text columns by which people would ask",
        )
    if facts.champion is None:
        yield Gap(
            "no_champion",
            "no version has earned the right to score",
            f"Run `nightshift train {facts.name} --as-of NIGHT`",
        )
    elif facts.published is None:
        yield Gap("no_night", "no night was ever published", f"Run `nightshift score {facts.name} NIGHT`")


def _house(facts: Facts) -> Iterator[Gap]:
    if facts.ledger_is_file:
        yield _file("ledger_is_a_file", "the ledger", "NIGHTSHIFT_LEDGER_URL")
    if facts.tracking_is_file:
        yield _file("tracking_is_a_file", "MLflow's database", "NIGHTSHIFT_TRACKING_URI")


def _file(rule: Rule, what: str, variable: str) -> Gap:
    return Gap(
        rule,
        f"{what} is an SQLite file of this machine: good for a laptop, and for one machine only",
        f"In production, name a server with {variable}; docs/production.md says how",
        blocks=False,
    )
