"""`nightshift backup`: make, list, verify, restore and prune backups."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from nightshift.commands.show import json_option, print_json, print_table, progress, say, say_list
from pipelines.engine.sizes import readable

if TYPE_CHECKING:
    from nightshift.backup.manifest import Manifest
    from nightshift.backup.plan import Part
    from nightshift.backup.vault import Vault
    from pipelines.engine.storage import Storage

Command = TypeVar("Command", bound=Callable[..., None])
LATEST = "latest"

vault_argument = click.argument("vault")
backup_argument = click.argument("name", default=LATEST, metavar="[BACKUP]")


def parts_options(command: Command) -> Command:
    """Add the options that say which parts are meant, and where they are."""
    for option in (
        click.option("--without", multiple=True, metavar="PART", help="Leave a part out, such as data."),
        click.option(
            "--folder", "folders", multiple=True, metavar="NAME=URL", help="A folder, such as artifacts=s3://..."
        ),
        click.option(
            "--database",
            "databases",
            multiple=True,
            metavar="NAME=URL",
            help="A database, such as airflow=postgresql://...",
        ),
    ):
        command = option(command)
    return command


@click.group(short_help="Make, list, verify and restore backups.")
def backup() -> None:
    """Make, list, verify and restore backups of everything that is true: see docs/operations.md.

    VAULT is a folder of this machine, s3://BUCKET/FOLDER or gs://BUCKET/FOLDER. It holds the bytes of each file once,
    however many backups have it.
    """


@backup.command(short_help="Copy databases and folders; work may go on.")
@vault_argument
@parts_options
@json_option
def create(vault: str, databases: Sequence[str], folders: Sequence[str], without: Sequence[str], as_json: bool) -> None:
    """Copy the ledger, tables, reports, rows and models into VAULT, while work goes on.

    The ledger's database is copied by its tables' owner; where workers have another role, name the owner's URL with
    --database ledger=... Secrets are never copied.

    \b
    Examples:  nightshift backup create /var/backups/nightshift
               nightshift backup create s3://example-vault/nightshift --without data
    """
    from nightshift.backup import create_backup
    from nightshift.backup.plan import not_covered

    parts, storage = _parts(databases, folders, without), _storage()
    with progress() as show:
        made = create_backup(parts, vault, storage, show)
    _tell_ledger(parts, made)
    lacking = tuple(not_covered(parts))
    if as_json:
        from nightshift.commands.shapes import backup_answer

        print_json(backup_answer(made, lacking))
        return
    _show_parts(made)
    say(f"The backup {made.name} holds {readable(made.bytes)}: what was finished before {_when(made.at)}.", good=True)
    click.echo("Not in it:")
    say_list(lacking)


@backup.command("list", short_help="List the backups of a vault.")
@vault_argument
@json_option
def list_backups(vault: str, as_json: bool) -> None:
    """List the backups of VAULT, the oldest first."""
    from nightshift.commands.shapes import backup_answer

    place = _vault(vault)
    found = [place.read(name) for name in place.names()]
    if as_json:
        print_json([backup_answer(each) for each in found])
        return
    if not found:
        click.echo(f"There is no backup in {vault}. Make one: nightshift backup create {vault}")
        return
    rows = [
        [each.name, readable(each.bytes), each.ledger_revision, ", ".join(p.name for p in each.parts)] for each in found
    ]
    print_table(("backup", "size", "ledger", "parts"), rows)


@backup.command(short_help="Read a backup whole, and say what is wrong with it.")
@vault_argument
@backup_argument
@json_option
def verify(vault: str, name: str, as_json: bool) -> None:
    """Read every byte of a backup, the newest by default: digests, dumps, and whether its parts agree.

    Exit code 1 if something is wrong. That a backup can be restored is proved by restoring it elsewhere.
    """
    from nightshift.backup import verify_backup

    with progress() as show:
        found = verify_backup(vault, _storage(), show, name=name)
    if as_json:
        print_json(found)
    else:
        say_list(found.wrong)
        words = f"{len(found.wrong)} things are wrong with it" if found.wrong else "all as it was written"
        say(f"{found.name}: {found.files} files, {readable(found.bytes)}, {words}.", good=not found.wrong)
    if found.wrong:
        raise SystemExit(1)


@backup.command(short_help="Put a backup back.")
@vault_argument
@backup_argument
@parts_options
@click.option("--replace", is_flag=True, help="Lose what is there. Stop everything that works on it first.")
@click.option("--elsewhere", is_flag=True, help="Let folders go to other addresses than they had.")
@json_option
def restore(
    vault: str,
    name: str,
    databases: Sequence[str],
    folders: Sequence[str],
    without: Sequence[str],
    replace: bool,
    elsewhere: bool,
    as_json: bool,
) -> None:
    """Put a backup, the newest by default, back where the settings and options say.

    Refuses where something lives, unless told to --replace it. Keys that somebody held are open afterwards.

    \b
    Examples:  nightshift backup restore /var/backups/nightshift
               nightshift backup restore s3://example-vault/nightshift 2026-11-20T02-00-00Z --replace
    """
    from nightshift.backup import restore_backup

    parts, storage = _parts(databases, folders, without), _storage()
    with progress() as show:
        done = restore_backup(parts, vault, storage, show, name=name, replace=replace, elsewhere=elsewhere)
    if as_json:
        print_json(done)
        return
    parts_in_words = ", ".join(done.parts)
    say(f"The backup {done.name} is back: {parts_in_words}; {readable(done.bytes)} in {done.seconds:.0f} s.", good=True)
    if done.released:
        click.echo(f"{done.released} keys were held when it was made, and are open now.")
    if done.left_out:
        click.echo("Not restored, because nobody said where to; by itself:")
        say_list([f"nightshift backup restore {vault} {done.name} {option}" for option in done.left_out])
    click.echo("Next:")
    say_list(done.next)


@backup.command(short_help="Forget old backups.")
@vault_argument
@click.option("--keep", type=int, required=True, metavar="NUMBER", help="How many stay, the newest.")
@click.option("--apply", is_flag=True, help="Forget them. Without this, nothing is changed at all.")
@json_option
def prune(vault: str, keep: int, apply: bool, as_json: bool) -> None:
    """Forget all but the newest backups of VAULT, and remove what no other one holds.

    What is younger than a day stays, so that a backup that is being made keeps what it has.
    """
    from nightshift.backup.prune import prune as prune_vault

    done = prune_vault(_vault(vault), keep=keep, dry_run=not apply)
    if as_json:
        print_json(done)
        return
    say_list([f"{name}: {'goes' if apply else 'would go'}" for name in done.forgotten])
    words = "were removed" if apply else "may go; nothing was removed. To remove them: --apply"
    click.echo(f"{len(done.kept)} backups stay; {done.objects} objects, {readable(done.bytes)}, {words}.")


def _tell_ledger(parts: Sequence[Part], made: Manifest) -> None:
    """Say in the ledger that it was saved, for `nightshift doctor --production`; what is made is made, told or not."""
    from nightshift.hardening.ledger import BACKUP
    from pipelines.engine.errors import LedgerError
    from pipelines.engine.ledger.observations import Observations

    for part in parts:
        if part.name == "ledger":
            try:
                Observations(part.address).beat(BACKUP, {"name": made.name, "bytes": made.bytes})
            except LedgerError as error:
                click.echo(f"The ledger was not told of this backup: {error}", err=True)


def _parts(databases: Sequence[str], folders: Sequence[str], without: Sequence[str]) -> list[Part]:
    from nightshift.backup import parts_of
    from pipelines.engine.settings import read_settings

    return parts_of(read_settings(), databases=_named(databases), folders=_named(folders), without=without)


def _named(given: Sequence[str]) -> dict[str, str]:
    return {name: address for name, _, address in (each.partition("=") for each in given)}


def _storage() -> Storage:
    from nightshift.connections import open_storage
    from pipelines.engine.settings import read_settings

    return open_storage(read_settings())


def _vault(where: str) -> Vault:
    from nightshift.backup.vault import Vault

    return Vault(_storage().at(where))


def _show_parts(made: Manifest) -> None:
    rows = [[part.name, part.kind, len(part.files), readable(part.bytes), part.address] for part in made.parts]
    print_table(("part", "kind", "files", "size", "from"), rows, spare=("from",))


def _when(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))
