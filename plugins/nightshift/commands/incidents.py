"""`nightshift incidents`: what is late, in danger or broken, and who has taken it up."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

import click

from nightshift.commands.completing import complete_incident
from nightshift.commands.show import json_option, print_json, print_table, say_list, say_title

if TYPE_CHECKING:
    from pipelines.engine.incidents.outbox import Outbox
    from pipelines.engine.incidents.store import Incidents
    from pipelines.engine.incidents.values import Incident, IncidentEvent, Silence
    from pipelines.engine.promises.values import Declaration

HEADINGS = ("incident", "dag", "night", "state", "severity", "since", "due", "owner", "taken up by", "why")
SHOWN_DIGITS = 12
LONGEST_REASON = 60
FINDINGS = ("gate_refused", "drift")


incident_argument = click.argument("incident", metavar="ID", shell_complete=complete_incident)
by_option = click.option("--by", default=getpass.getuser, metavar="NAME", help="Who; by default who you are here.")


@click.group(
    invoke_without_command=True, short_help="Show what is late, in danger or broken; take it up, or silence it."
)
@click.option("--all", "everything", is_flag=True, help="Also those that are resolved.")
@click.option("--dag", metavar="DAG", help="Only of this DAG.")
@click.option("--night", metavar="NIGHT", help="Only of this night.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="At most this many.")
@json_option
@click.pass_context
def incidents(
    context: click.Context, everything: bool, dag: str | None, night: str | None, limit: int, as_json: bool
) -> None:
    """Show open incidents: promises and nights in trouble, the newest first.

    There is one for each promise and night. It is told once to whoever the routes say, and resolved when the night is
    done. The first digits of an ID are enough.

    \b
    Examples:  nightshift incidents
               nightshift incidents --all --night 2026-11-19 --json
               nightshift incidents show 3f9a1c
               nightshift incidents ack 3f9a1c
               nightshift incidents silence flights_scoring --for 2h --reason "the rows come late tonight"
    """
    if context.invoked_subcommand is not None:
        return
    opened = _incidents()
    found = opened.find(resolved=everything, dag_id=dag, night=night, limit=limit)
    quiet = opened.silences()
    if as_json:
        from nightshift.commands.shapes import ListedIncident

        print_json([ListedIncident(**vars(incident), silenced_until=_silenced(incident, quiet)) for incident in found])
        return
    if not found:
        click.echo(_nothing(opened, dag, everything=everything))
    else:
        print_table(HEADINGS, [_row(incident) for incident in found], spare=("owner", "due", "taken up by", "severity"))
        click.echo("Look at one, and what to do about it: nightshift incidents show ID")
    for silence in quiet:
        click.echo(_silence_line(silence))
    for line in _outbox_lines(_outbox()):
        click.echo(line)


@incidents.command
@incident_argument
@json_option
def show(incident: str, as_json: bool) -> None:
    """Show an incident, what happened to it, and what was told to whom."""
    from pipelines.engine.incidents.message import runbook_of
    from pipelines.engine.ledger.values import iso

    opened = _incidents()
    found = opened.get(incident)
    events = opened.history(found.id)
    if as_json:
        from nightshift.commands.shapes import ShownIncident

        quiet = _silenced(found, opened.silences())
        print_json(ShownIncident(**vars(found), silenced_until=quiet, history=tuple(events)))
        return
    click.echo(f"{found.promise_id}, {found.night}: {found.state}\n{found.id}")
    print_table(
        ("at", "what", "by", "why"), [(iso(e.at), _sentence(e), e.by, e.detail.get("reason", "")) for e in events]
    )
    if found.verdict.get("reason"):
        click.echo(f"Why: {found.verdict['reason']}")
    if found.verdict.get("members"):
        numbers = ", ".join(map(str, found.verdict["members"]))
        click.echo(f"Late shards: {numbers} of {found.verdict['of']}")
    if found.verdict.get("key"):
        click.echo(f"Its key: nightshift explain {found.verdict['key'][:SHOWN_DIGITS]}")
    click.echo(f"Runbook: {runbook_of(found.alert)}")
    _say_next_steps(found)


@incidents.command
@incident_argument
@by_option
def ack(incident: str, by: str) -> None:
    """Take an incident up: it is not escalated, and tells only what is worse, and its end."""
    found = _incidents().acknowledge(incident, by=by)
    click.echo(f"{found.promise_id}, {found.night} is taken up by {found.acknowledged_by}.")


@incidents.command
@incident_argument
@click.option("--reason", required=True, help="Told to those who heard of the trouble.")
@by_option
def close(incident: str, reason: str, by: str) -> None:
    """Resolve an incident by hand, for a night that nobody will mend. The same trouble does not open it again."""
    from nightshift.alerts.context import context_of
    from nightshift.alerts.routes import read_routes
    from pipelines.engine.settings import read_settings

    settings = read_settings()
    context = context_of(settings, read_routes(settings), _declarations())
    closed = _incidents().close(incident, by=by, reason=reason, context=context)
    click.echo(f"{closed.promise_id}, {closed.night} is closed.")


@incidents.command
@click.argument("target", metavar="DAG|PROMISE|ID")
@click.option("--for", "duration", required=True, metavar="TIME", help="How long: 90s, 30m, 2h, 1h30m, 3d.")
@click.option("--reason", required=True, help="Shown to everybody who looks at the list.")
@by_option
def silence(target: str, duration: str, reason: str, by: str) -> None:
    """Tell nothing of a DAG, a promise or an incident for a time.

    What happens meanwhile is kept. What still stands when the time is over is told then.
    """
    from pipelines.engine.durations import parse_duration
    from pipelines.engine.ledger.values import iso

    seconds = parse_duration(duration)
    opened = _incidents()
    silenced = opened.silence(_target(opened, target), seconds=seconds, by=by, reason=reason)
    click.echo(f"Nothing is told of {silenced.matches} until {iso(silenced.until)}.")


@incidents.command
@click.argument("target", metavar="DAG|PROMISE|ID")
def unsilence(target: str) -> None:
    """End a silence. What still stands is told by the next look of the watch."""
    from pipelines.engine.errors import UsageError, nearest

    opened = _incidents()
    silenced = [one.matches for one in opened.silences()]
    starts = {name for name in silenced if name == target or name.startswith(target.lower())}
    exact = {target} & starts or starts
    if len(exact) != 1:
        known = f" Silenced are: {', '.join(sorted(set(silenced)))}." if silenced else " Nothing is."
        raise UsageError(f"{target!r} is not silenced.{nearest(target, silenced)}{known}")
    [matches] = exact
    ended = opened.unsilence(matches)
    click.echo(f"{matches}: {ended} {'silence' if ended == 1 else 'silences'} ended.")


def _row(incident: Incident) -> tuple[object, ...]:
    from pipelines.engine.ledger.values import iso

    reason = str(incident.verdict.get("reason") or "")
    members, of = incident.verdict.get("members"), incident.verdict.get("of")
    why = f"{len(members)} of {of} shards late" if members else reason
    return (
        incident.id[:SHOWN_DIGITS],
        incident.dag_id,
        incident.night,
        incident.state,
        incident.severity,
        iso(incident.opened_at),
        iso(incident.due_at) if incident.due_at is not None else None,
        incident.owner,
        incident.acknowledged_by,
        why if len(why) <= LONGEST_REASON else f"{why[:LONGEST_REASON]} ...",
    )


def _say_next_steps(incident: Incident) -> None:
    from pipelines.engine.incidents.next_steps import next_steps
    from pipelines.engine.promises.verdicts import Verdict

    if incident.resolved_at is not None:
        return
    say_title("What to do")
    declared = _declarations().get(incident.dag_id)
    say_list([step.replace("`", "") for step in next_steps(incident, Verdict.from_json(incident.verdict), declared)])


def _silenced(incident: Incident, silences: list[Silence]) -> float | None:
    names = (incident.id, incident.promise_id, incident.dag_id)
    ends = [silence.until for silence in silences if silence.matches in names]
    return max(ends, default=None)


def _sentence(event: IncidentEvent) -> str:
    routes = ", ".join(event.detail.get("routes", ()))
    told = (
        f"; told {event.detail['occasion']} to {routes or 'nobody: no route wants it'}"
        if "told" in event.detail
        else ""
    )
    if event.event == "held_back":
        return f"held back: {event.detail.get('what')} ({event.detail.get('why')})"
    return f"{event.event}{told}"


def _silence_line(silence: Silence) -> str:
    from pipelines.engine.ledger.values import iso

    return f"silenced until {iso(silence.until)} by {silence.by}: {silence.matches} ({silence.reason})"


def _outbox_lines(outbox: Outbox) -> list[str]:
    """What was not delivered, said where somebody looks."""
    from pipelines.engine.durations import duration

    lines = []
    for pending in outbox.pending():
        why = f": {pending.error}" if pending.error else ""
        if pending.waiting and pending.error:
            waits = duration(pending.oldest_seconds)
            lines.append(f"route {pending.route}: {pending.waiting} messages wait, the oldest for {waits}{why}")
        if pending.given_up:
            lines.append(f"route {pending.route}: {pending.given_up} messages were given up{why}")
    return lines


def _nothing(opened: Incidents, dag: str | None, *, everything: bool) -> str:
    from pipelines.engine.errors import nearest

    known = _known_names(opened)
    if dag is not None and dag not in known:
        return f"No incident; nothing is known of a DAG {dag!r}.{nearest(dag, known)}"
    return "There was no incident yet." if everything else "No incident is open."


def _target(opened: Incidents, target: str) -> str:
    """Return the DAG, the promise or the incident that is meant.

    Raises:
        UsageError: It is none of them.
    """
    from pipelines.engine.errors import UsageError, nearest

    known = _known_names(opened)
    if target in known:
        return target
    try:
        return opened.get(target).id
    except UsageError as error:
        if "more than one" in str(error):
            raise
    names = sorted(name for name in known if "/" in name or len(name) != 32)
    raise UsageError(
        f"{target!r} is no DAG, no promise and no incident that is known.{nearest(target, names)} "
        "`nightshift promises list` shows promises, `nightshift incidents` incidents."
    )


def _known_names(opened: Incidents) -> set[str]:
    names = opened.names()
    for declared in _declarations().values():
        findings = (f"{declared.dag_id}/{finding}" for finding in FINDINGS)
        names |= {declared.dag_id, *(promise.id for promise in declared.promises), *findings}
    return names


def _declarations() -> dict[str, Declaration]:
    from pipelines.engine.ledger.observations import Observations
    from pipelines.engine.promises.values import Declaration
    from pipelines.engine.settings import read_settings

    seen = Observations(read_settings().ledger_url).declarations()
    return {one.dag_id: Declaration.from_json(one.content) for one in seen}


def _incidents() -> Incidents:
    from pipelines.engine.incidents.store import Incidents
    from pipelines.engine.ledger.store import Ledger
    from pipelines.engine.replay import read_clock
    from pipelines.engine.settings import read_settings

    settings = read_settings()
    Ledger(settings.ledger_url).check()
    return Incidents(settings.ledger_url, clock=read_clock(settings))


def _outbox() -> Outbox:
    from pipelines.engine.incidents.outbox import Outbox
    from pipelines.engine.settings import read_settings

    return Outbox(read_settings().ledger_url)
