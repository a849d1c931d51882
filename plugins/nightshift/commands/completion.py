"""`nightshift completion`: what makes a shell complete our words."""

from __future__ import annotations

import click

from nightshift.commands.show import OneOf

SHELLS = ("bash", "zsh", "fish")


@click.command(short_help="Print what makes bash, zsh or fish complete commands, nights and keys.")
@click.argument("shell", type=OneOf(SHELLS), metavar="SHELL")
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a script for your shell: then Tab completes commands, pipelines, nights, keys, versions and incidents.

    \b
    bash:  nightshift completion bash > ~/.local/share/bash-completion/completions/nightshift
    zsh:   nightshift completion zsh > ~/.zsh/completions/_nightshift     (a folder of your fpath)
    fish:  nightshift completion fish > ~/.config/fish/completions/nightshift.fish
    """
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"this version of click has no completion for {shell}")
    script = made(context.find_root().command, {}, "nightshift", "_NIGHTSHIFT_COMPLETE")
    # `source()` would ask bash for its version, of which nobody who has a bash for completions needs to be told.
    click.echo(script.source_template % script.source_vars())
