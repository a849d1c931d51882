"""The commands of `nightshift`, in the order in which a newcomer meets them."""

import click

from nightshift.commands.airflow import airflow
from nightshift.commands.alerts import alerts
from nightshift.commands.champion import promote, rollback
from nightshift.commands.check_pipeline import check_pipeline
from nightshift.commands.completion import completion
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
from nightshift.commands.run import check, score, train
from nightshift.commands.search import search
from nightshift.commands.status import status
from nightshift.commands.tidy import tidy
from nightshift.commands.tree import down, up
from nightshift.commands.watch import watch

COMMANDS: tuple[click.Command, ...] = (
    demo,
    up,
    down,
    live,
    airflow,
    pipelines,
    new,
    data,
    check,
    search,
    train,
    score,
    status,
    night,
    quarantine,
    night_report,
    models,
    model_card,
    rollback,
    promote,
    explain,
    open_page,
    incidents,
    keys,
    promises,
    alerts,
    watch,
    doctor,
    check_pipeline,
    tidy,
    drill,
    migrate,
    completion,
)

__all__ = ["COMMANDS"]
