"""What holds for every command: help, examples, JSON, errors, speed."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from itertools import takewhile
from typing import TYPE_CHECKING

import click
import pytest
from front import call, fill, good, working

from mendel.cli.command import Command
from mendel.cli.main import COMMANDS, cli

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = [name for section in COMMANDS.values() for name in section]

# A command line of every command on the store of `front.fill`, and keys of its JSON.
WORKING: dict[str, tuple[list[str], set[str]]] = {
    "runs": ([], {"runs", "total"}),
    "show": (["one"], {"id", "name", "series", "params", "outputs", "children"}),
    "watch": (["one"], {"id", "state", "metrics"}),
    "compare": (["one", "two"], {"runs", "baseline", "params", "metrics"}),
    "best": (["auc"], {"metric", "goal", "runs"}),
    "search": (["gbdt"], {"runs", "experiments", "total"}),
    "experiments": ([], {"experiments"}),
    "tag": (["one", "stage=final"], {"runs", "tags"}),
    "note": (["one", "text"], {"run", "note"}),
    "pin": (["one"], {"runs", "pinned"}),
    "unpin": (["one"], {"runs", "pinned"}),
    "rm": (["one", "--yes"], {"runs"}),
    "restore": (["--all"], {"runs", "experiments"}),
    "export": (["out"], {"folder", "runs", "tables", "format"}),
    "import": ([".mendel"], {"kind", "new", "same", "problems"}),
    "gc": (["--dry-run"], {"runs", "bytes", "dry_run", "done"}),
    "du": ([], {"rows", "total", "by"}),
    "doctor": ([], {"healthy", "findings"}),
    "rebuild": ([], {"runs", "seconds"}),
    "config": ([], {"settings"}),
    "completion": (["bash"], {"shell", "script"}),
}
# A command line of every command that cannot work, and its exit code.
FAILING: dict[str, tuple[list[str], int]] = {
    "runs": (["-f", "metrics.auc >"], 1),
    "show": (["nobody"], 1),
    "watch": (["nobody"], 1),
    "compare": (["one"], 1),
    "best": (["loss"], 1),
    "search": ([], 2),
    "experiments": (["--nothing"], 2),
    "tag": (["one"], 1),
    "note": (["one", "a text", "--remove"], 1),
    "pin": (["nobody"], 1),
    "unpin": (["nobody"], 1),
    "rm": (["one"], 1),
    "restore": (["one"], 1),
    "export": ([".mendel"], 1),
    "import": (["nowhere"], 1),
    "gc": (["--older-than", "long"], 1),
    "du": (["--by", "colour"], 2),
    "doctor": (["--store", "nowhere"], 1),
    "rebuild": (["--store", "nowhere"], 1),
    "config": (["nothing"], 1),
    "completion": (["tcsh"], 2),
    "demo": (["--nothing"], 2),
}


@pytest.fixture(scope="module")
def ids(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("every")
        with working(folder, patch):
            yield fill(folder)


def command(name: str) -> Command:
    found = cli.get_command(click.Context(cli), name)
    assert isinstance(found, Command)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_command_is_described(name: str) -> None:
    found = command(name)
    assert found.help
    first = found.help.split("\n")[0]
    assert first == next(s[name] for s in COMMANDS.values() if name in s)
    assert found.examples
    assert found.shape
    assert {"store", "as_json"} <= {p.name for p in found.params}
    for parameter in found.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_a_command_can_be_read_by_it(name: str) -> None:
    for example in command(name).examples:
        line = example.line
        if line.startswith('eval "$('):
            line = line.removeprefix('eval "$(').removesuffix(')"')
        words = shlex.split(line)
        while words:
            part = [*takewhile(lambda word: word != "|", words)]
            words = words[len(part) + 1 :]
            part = [*takewhile(lambda word: word != ">", part)]
            if part[0] == "mendel":
                command(part[1]).make_context(part[1], part[2:])


@pytest.mark.parametrize("name", NAMES)
def test_help_shows_the_examples(name: str) -> None:
    answer = good(name, "--help")
    assert "Examples:" in answer.out
    assert f"mendel {name}" in answer.out


def test_every_command_is_tried_here() -> None:
    assert set(WORKING) | {"demo"} == set(NAMES)
    assert set(FAILING) == set(NAMES)


@pytest.mark.parametrize("name", WORKING)
def test_a_command_answers_in_json(name: str, ids: dict[str, str]) -> None:
    assert ids
    args, keys = WORKING[name]
    answer = good(name, *args, "--json")
    assert keys <= json.loads(answer.out).keys()
    assert not answer.err


@pytest.mark.parametrize("name", FAILING)
def test_a_command_that_cannot_work_says_why(name: str, ids: dict[str, str]) -> None:
    assert ids
    args, code = FAILING[name]
    answer = call(name, *args)
    assert answer.code == code
    assert answer.err.startswith("error: ")
    assert not answer.out
    told = call(name, *args, "--json")
    assert told.code == code
    assert not told.out
    error = json.loads(told.err)["error"]
    assert error["type"]
    assert len(error["message"]) > 10


def test_an_error_in_a_search_points_at_the_character(ids: dict[str, str]) -> None:
    assert ids
    answer = call("runs", "-f", "metrics.auc >> 3")
    assert answer.code == 1
    assert "  metrics.auc >> 3\n               ^" in answer.err.replace("error: ", "")
    told = json.loads(call("runs", "-f", "metrics.auc >> 3", "--json").err)["error"]
    assert told["type"] == "QueryError"
    assert told["position"] == 13


def test_an_unknown_command_names_the_near_one() -> None:
    answer = call("rnus")
    assert answer.code == 2
    assert "did you mean 'runs'?" in answer.err


def test_without_a_store_the_way_to_one_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with working(tmp_path, monkeypatch):
        answer = call("runs")
    assert answer.code == 1
    assert "no store was found" in answer.err
    assert not (tmp_path / ".mendel").exists()


def test_help_and_completion_load_no_command_and_no_heavy_library() -> None:
    code = (
        "import sys, os\n"
        "from mendel.cli.main import cli\n"
        "import click\n"
        "cli.main(['--help'], standalone_mode=False, prog_name='mendel')\n"
        "cli.shell_complete(click.Context(cli), 'r')\n"
        "heavy = {'numpy', 'pandas', 'sqlite3', 'rich', 'mendel.cli.runs', 'mendel.cli.demo'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_shell_completes_commands_and_runs(ids: dict[str, str]) -> None:
    from mendel.cli.command import complete_run

    found = cli.shell_complete(click.Context(cli), "re")
    assert {item.value for item in found} == {"restore", "rebuild"}
    context = click.Context(command("show"))
    parameter = command("show").params[0]
    assert {item.value for item in complete_run(context, parameter, "t")} == {"two", "three"}
    begun = ids["one"][:20]
    values = {item.value for item in complete_run(context, parameter, begun)}
    assert ids["one"] in values
    context.params["store"] = "/nowhere"
    assert complete_run(context, parameter, "t") == []


def test_the_version_is_said() -> None:
    assert good("--version").out.startswith("mendel ")
