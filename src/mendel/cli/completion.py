"""``mendel completion``: the script that teaches a shell the commands, options and runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mendel.cli.command import command

if TYPE_CHECKING:
    from mendel.cli.command import Door

SHELLS = ("bash", "zsh", "fish")


@command(
    "completion",
    examples=[
        ('eval "$(mendel completion bash)"', "in ~/.bashrc: completion in every new bash"),
        ("mendel completion fish > ~/.config/fish/completions/mendel.fish", "for fish"),
    ],
    shape='{"shell": text, "script": text}',
)
@click.argument("shell", type=click.Choice(SHELLS))
def command_(door: Door, shell: str) -> None:
    """Print the completion script of a shell.

    Commands, options, and names and ids of the newest runs are completed.
    """
    from click.shell_completion import get_completion_class

    from mendel.cli.main import cli

    kind = get_completion_class(shell)
    if kind is None:  # pragma: no cover - the three are click's own
        raise click.UsageError(f"no completion for {shell}")
    complete = kind(cli, {}, "mendel", "_MENDEL_COMPLETE")
    script = complete.source_template % complete.source_vars()
    if door.out.as_json:
        door.out.data({"shell": shell, "script": script})
    else:
        door.out.raw(script)
