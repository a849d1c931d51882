"""`nightshift rollback` and `promote`: a person moves the champion, and says why."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING, Any

import click

from nightshift.commands.completing import complete_version
from nightshift.commands.show import json_option, pipeline_argument, print_json, say

if TYPE_CHECKING:
    from pipelines.engine.views.models import ModelView

reason_option = click.option("--reason", required=True, help="Kept in the journal, for whoever asks why.")
yes_option = click.option("--yes", is_flag=True, help="Do it without asking; needed where nobody can answer.")
by_option = click.option("--by", default=getpass.getuser, metavar="NAME", help="Who; by default who you are here.")


@click.command(short_help="Make the previous champion champion again.")
@pipeline_argument
@reason_option
@yes_option
@by_option
@json_option
def rollback(pipeline: str, reason: str, yes: bool, by: str, as_json: bool) -> None:
    """Make the previous champion champion again.

    Says from which version to which, and asks, before anything is moved. Nights that are planned from then on are scored
    by it; published nights stay as they are.

    \b
    Examples:  nightshift rollback flights --reason "scores of version 7 are off since Tuesday"
               nightshift rollback flights --reason "as agreed" --yes
    """
    from pipelines.engine.errors import UsageError

    view = _seen(pipeline)
    if view.champion is not None and view.previous is None:
        raise UsageError(
            f"{pipeline} has no previous champion: version {view.champion} is the first one, so there is nothing to roll "
            f"back to. Promote another version: nightshift promote {pipeline} VERSION --reason ..."
        )
    _ask(view, view.previous, yes=yes or view.champion is None)
    from nightshift.connections import open_doors
    from pipelines.engine.catalog import load_pipeline
    from pipelines.engine.steps.move import roll_back

    _tell(
        pipeline,
        roll_back(open_doors(wait=True), load_pipeline(pipeline), actor=by, reason=reason, expected=view.champion),
        as_json,
    )


@click.command(short_help="Make a registered version champion.")
@pipeline_argument
@click.argument("version", shell_complete=complete_version)
@reason_option
@click.option("--despite-gate", is_flag=True, help="Also if the gate refused it: you answer for it.")
@yes_option
@by_option
@json_option
def promote(pipeline: str, version: str, reason: str, despite_gate: bool, yes: bool, by: str, as_json: bool) -> None:
    """Make a registered version champion, by hand.

    A version that the gate refused needs --despite-gate as well. Says from which version to which, and asks, before
    anything is moved. Nights that are planned from then on are scored by it; published nights stay as they are.

    \b
    Examples:  nightshift promote flights 8 --reason "approved by the model board"
               nightshift promote flights 9 --reason "the holdout was a storm" --despite-gate
    """
    view = _seen(pipeline)
    _check_version(view, version)
    _ask(view, version, yes=yes)
    from nightshift.connections import open_doors
    from pipelines.engine.catalog import load_pipeline
    from pipelines.engine.steps.move import promote_by_hand

    _tell(
        pipeline,
        promote_by_hand(
            open_doors(wait=True),
            load_pipeline(pipeline),
            version,
            actor=by,
            reason=reason,
            expected=view.champion,
            despite_gate=despite_gate,
        ),
        as_json,
    )


def _seen(pipeline: str) -> ModelView:
    """Return the model as the person sees it now: what is moved is moved from there, or not at all."""
    from nightshift.commands.house import open_house
    from pipelines.engine.catalog import load_pipeline

    load_pipeline(pipeline)
    return open_house().model(pipeline)


def _check_version(view: ModelView, version: str) -> None:
    from pipelines.engine.errors import UsageError, nearest

    known = [one.version for one in view.versions]
    if known and version not in known:
        raise UsageError(
            f"{view.pipeline} has no version {version!r}; there are: {', '.join(known)}.{nearest(version, known)} "
            f"`nightshift models {view.pipeline}` tells them apart."
        )


def _ask(view: ModelView, to: str | None, *, yes: bool) -> None:
    """Say what would happen, and let a person decide.

    Raises:
        UsageError: Nobody is there to answer.
    """
    from pipelines.engine.errors import UsageError

    if yes or to == view.champion:
        return
    newest = max((version.scored.last for version in view.versions if version.scored), default=None)
    click.echo(f"{view.pipeline}: {_from_to(view.champion, to)}.", err=True)
    stays = f" {newest} and the nights before it stay as they are published." if newest else ""
    click.echo(f"It holds for every night that is planned from now on.{stays}", err=True)
    if not sys.stdin.isatty():
        raise UsageError("nobody is here to say yes: nothing was moved. To move it without being asked, give --yes.")
    click.confirm("Move it?", abort=True, err=True)


def _from_to(old: str | None, new: str | None) -> str:
    if old is None:
        return f"version {new} becomes the first champion"
    return f"version {new} becomes champion in the place of version {old}"


def _tell(pipeline: str, moved: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(moved)
        return
    replaced = f", in the place of version {moved['replaced']}" if moved["replaced"] else ""
    say(f"Version {moved['version']} is champion of {pipeline} now{replaced}.", good=True)
    say("Nights that are planned from now on are scored by it; published nights stay as they are.")
    if moved["replaced"]:
        say(f'To undo it: nightshift rollback {pipeline} --reason "..."')
    say(f"Kept in the journal: nightshift models {pipeline}")
