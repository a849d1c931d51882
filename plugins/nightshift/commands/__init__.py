"""The commands of `nightshift`, by what they are for."""

from collections.abc import Mapping

import click

from nightshift.commands.airflow import airflow
from nightshift.commands.alerts import alerts
from nightshift.commands.backup import backup
from nightshift.commands.champion import promote, rollback
from nightshift.commands.check_pipeline import check_pipeline
from nightshift.commands.completion import completion
from nightshift.commands.cost import cost
from nightshift.commands.data import data
from nightshift.commands.demo import demo
from nightshift.commands.doctor import doctor
from nightshift.commands.drill import drill
from nightshift.commands.explain import explain
from nightshift.commands.incidents import incidents
from nightshift.commands.keys import keys
from nightshift.commands.live import live
from nightshift.commands.migrate import migrate
from nightshift.commands.models import models
from nightshift.commands.new import new
from nightshift.commands.night import night
from nightshift.commands.open import open_page
from nightshift.commands.pipelines import pipelines
from nightshift.commands.promises import promises
from nightshift.commands.quarantine import quarantine
from nightshift.commands.reports import model_card, night_report
from nightshift.commands.roles import roles
from nightshift.commands.run import check, score, train
from nightshift.commands.search import search
from nightshift.commands.secrets import secrets
from nightshift.commands.stack import stack
from nightshift.commands.status import status
from nightshift.commands.tidy import tidy
from nightshift.commands.tree import down, up
from nightshift.commands.watch import watch

SECTIONS: Mapping[str, tuple[click.Command, ...]] = {
    "See how things stand": (status, night, quarantine, models, incidents, explain, cost, open_page),
    "Do something about it": (score, train, rollback, promote, keys),
    "Your own model": (new, data, check, search, check_pipeline, pipelines),
    "Airflow on this machine": (demo, up, down, live, airflow),
    "Promises and alerts": (promises, alerts, watch),
    "Production": (stack, secrets, roles, migrate, backup),
    "Reports and housekeeping": (night_report, model_card, doctor, tidy, drill, completion),
}
"""What is looked for together; first what somebody needs who was woken up."""

COMMANDS: tuple[click.Command, ...] = tuple(command for commands in SECTIONS.values() for command in commands)

__all__ = ["COMMANDS", "SECTIONS"]
