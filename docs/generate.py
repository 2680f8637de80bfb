"""Write the pages of docs/reference that come from the code: `make docs`, or `generate.py api`.

Each page is a function below; tests/test_reference.py holds the committed pages to it.
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import mendel
from mendel.cli.config import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable

REFERENCE = Path(__file__).parent / "reference"


def api() -> str:
    """Return the page of the public names: signature and docstring of each."""
    lines = [
        "# The SDK",
        "",
        "Written by `make docs` from the code: every public name of `mendel`.",
        "",
    ]
    for name in sorted(mendel.__all__, key=str.lower):
        thing = getattr(mendel, name)
        if inspect.isclass(thing):
            lines += _class(name, thing)
        elif callable(thing):
            lines += [f"## `{name}{_signature(thing)}`", "", _doc(thing), ""]
        elif inspect.ismodule(thing):
            lines += [f"## `{name}` (module)", "", _doc(thing), ""]
    return "\n".join(lines).rstrip() + "\n"


def _class(name: str, thing: type) -> list[str]:
    lines = [f"## class `{name}`", "", _doc(thing), ""]
    if issubclass(thing, Exception):
        return lines
    members = [
        (member, inspect.getattr_static(thing, member))
        for member in dir(thing)
        if not member.startswith("_") and not inspect.isclass(getattr(thing, member, None))
    ]
    for member, static in members:
        value = getattr(thing, member, None)
        if isinstance(static, property):
            lines += [f"* `.{member}`: {_first_line(static.fget)}"]
        elif callable(value) and str(getattr(value, "__module__", None)).startswith("mendel"):
            lines += [f"* `.{member}{_signature(value)}`: {_first_line(value)}"]
    return [*lines, ""]


def _signature(thing: Callable[..., object]) -> str:
    try:
        text = str(inspect.signature(thing))
    except (TypeError, ValueError):
        return "(…)"
    text = re.sub(r"(: |-> )'([^']*)'", r"\1\2", text)  # annotations are text; defaults stay quoted
    return re.sub(r"<(\w+\.\w+): [^>]*>", r"\1", text)  # an enum's member, by its name


def _doc(thing: object) -> str:
    return inspect.getdoc(thing) or ""


def _first_line(thing: object) -> str:
    return _doc(thing).split("\n\n")[0].replace("\n", " ")


SHARED = {"--store", "--json", "--help"}  # of every command, told once

_CLI_HEAD = """\
# The command line

Written by `make docs` from the commands themselves; `mendel COMMAND --help` says the same.

Every command takes `--store PATH` (else `MENDEL_STORE`, else `[tool.mendel]` in `pyproject.toml`,
else `.mendel/` here or above) and `--json`. Answers go to standard output; remarks, progress,
questions and errors to standard error. Colour is used on terminals only, never with `NO_COLOR`,
always with `FORCE_COLOR`. `MENDEL_DEBUG=1` shows where an error comes from.

Where a RUN is asked for, give an id, the beginning or end of one (4 characters or more), a name, or
`experiment/name`; of several runs with one name the newest is meant. `-` reads runs from standard
input. Values in JSON keep their types: what JSON lacks is written `{"$float": "nan"}` and
`{"$datetime": "…"}`; times of a run are texts in UTC, durations seconds. Fields are added to an
answer, never renamed. An error is `{"error": {"type", "message", "position"?}}` on standard error.
Below, `RUN` is
`{{RUN}}`.

| exit code | meaning |
|---|---|
| 0 | all went well |
| 1 | it did not; standard error says why, with `--json` as an object |
| 2 | the command line was not understood |
| 130 | interrupted (Ctrl-C) |
| 141 | whoever read the output went away (`mendel runs \\| head`) |
"""


def cli() -> str:
    """Return the page of the command line: every command with options, examples and its JSON."""
    from mendel.cli.main import COMMANDS
    from mendel.cli.shape import RUN

    lines = [_CLI_HEAD.replace("{{RUN}}", RUN)]
    for section, commands in COMMANDS.items():
        lines += [f"**{section}**: " + ", ".join(f"[{n}](#mendel-{n})" for n in commands), ""]
    for commands in COMMANDS.values():
        for name in commands:
            lines += _command(name)
    return "\n".join(lines).rstrip() + "\n"


def _command(name: str) -> list[str]:
    import click

    from mendel.cli.command import Command
    from mendel.cli.main import cli as group

    command = group.get_command(click.Context(group), name)
    if not isinstance(command, Command):
        raise TypeError(f"{name} is no command of ours")
    context = click.Context(command, info_name=f"mendel {name}")
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [
        f"## mendel {name}",
        "",
        f"`mendel {name} {usage}`",
        "",
        inspect.cleandoc(command.help or ""),
    ]
    lines += ["", "| option | meaning |", "|---|---|"]
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and record[1] and not SHARED & set(parameter.opts):
            option, meaning = (text.replace("|", "\\|") for text in record)
            lines.append(f"| `{option}` | {meaning} |")
    if lines[-1] == "|---|---|":
        lines = lines[:-3]
    lines += ["", "```console"]
    for example in command.examples:
        lines += [f"$ {example.line}", f"# {example.what}"]
    return [*lines, "```", "", f"With `--json`: `{command.shape}`", ""]


def config() -> str:
    """Return the page of the settings."""
    lines = [
        "# Settings",
        "",
        "Written by `make docs` from the code. All are optional. `mendel config` shows what is in",
        "force, and whence: a call's argument, the environment, `[tool.mendel]` in the",
        "nearest `pyproject.toml`, or the default, in this order.",
        "",
        "| setting | variable | in `[tool.mendel]` | what | default |",
        "|---|---|---|---|---|",
    ]
    for setting in SETTINGS:
        project = "yes" if setting.in_project else ""
        cells = (
            setting.name,
            f"`{setting.variable}`",
            project,
            setting.meaning,
            setting.default,
        )
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "A script's children find the run by these variables alone, so an unmodified script that a",
        "run starts logs to it. `AIP_EXPERIMENT_NAME` and `AIP_EXPERIMENT_RUN_NAME` are read as",
        "Vertex AI sets them; `RANK`, `SLURM_PROCID` and their like tell a process's rank.",
        "`NO_COLOR` is honoured.",
    ]
    return "\n".join(lines) + "\n"


PAGES: dict[str, Callable[[], str]] = {"api": api, "cli": cli, "config": config}


def main(wanted: list[str]) -> None:
    """Write the pages asked for, or all."""
    for page in wanted or PAGES:
        (REFERENCE / f"{page}.md").write_text(PAGES[page](), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
