"""``mendel config``: what is set, by whom, and a way to set what a project's file may say."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mendel.cli.command import command
from mendel.cli.table import Cell, Heading
from mendel.cli.text import safe
from mendel.graph.errors import InvalidError, did_you_mean

if TYPE_CHECKING:
    from mendel.cli.command import Door


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting: its environment variable, whether [tool.mendel] may say it, what it is without."""

    name: str
    variable: str
    meaning: str
    default: str = ""
    in_project: bool = False


SETTINGS = (
    Setting("store", "MENDEL_STORE", "where runs are kept", ".mendel here or above", True),
    Setting("experiment", "MENDEL_EXPERIMENT", "where new runs belong", "the folder's name", True),
    Setting("run", "MENDEL_RUN", "the id of the run that a script continues"),
    Setting("run_name", "MENDEL_RUN_NAME", "the name of the next run"),
    Setting("parent_run", "MENDEL_PARENT_RUN", "the id of the parent of new runs"),
    Setting("run_group", "MENDEL_RUN_GROUP", "the group of new runs"),
    Setting("job_type", "MENDEL_JOB_TYPE", "what new runs are in their group"),
    Setting("user", "MENDEL_USER", "who new runs and decisions are by", "the login name"),
    Setting("capture", "MENDEL_CAPTURE", "what a run captures: console,-system", "all but console"),
    Setting("capture_env", "MENDEL_CAPTURE_ENV", "more environment variables to capture"),
    Setting("mode", "MENDEL_MODE", "enabled or disabled", "enabled"),
    Setting("strict", "MENDEL_STRICT", "raise where the record has a problem", "no"),
    Setting("quiet", "MENDEL_QUIET", "say nothing on standard error", "no"),
    Setting("finish_timeout", "MENDEL_FINISH_TIMEOUT", "seconds that end_run may take"),
    Setting("debug", "MENDEL_DEBUG", "show where an error of a command is", "no"),
)
PROJECT = tuple(s.name for s in SETTINGS if s.in_project)
_SECTION = "[tool.mendel]"


@dataclass(frozen=True, slots=True)
class Effective:
    """A setting as it is now, and where that comes from."""

    setting: Setting
    value: str | None
    source: str


def effective(store: str | None = None) -> list[Effective]:
    """Return all settings as they are in the working directory.

    Args:
        store: what ``--store`` said, or the environment.
    """
    return [_effective(setting, store) for setting in SETTINGS]


def _effective(setting: Setting, store: str | None) -> Effective:
    from mendel.track import place

    told = os.environ.get(setting.variable)
    if setting.name == "store" and store and store != told:
        return Effective(setting, str(place.find(store)), "--store")
    if told:
        value = str(place.find(told)) if setting.name == "store" else told
        return Effective(setting, value, setting.variable)
    if setting.in_project:
        found = _project(setting.name)
        if found is not None:
            return Effective(setting, *found)
    return Effective(setting, setting.default or None, "default")


def _project(name: str) -> tuple[str, str] | None:
    from mendel.track import place

    if name == "store":
        found = place.find()
        if found is None:
            return None
        by_file = found.name != place.FOLDER or not found.is_dir()
        return str(found), f"{_SECTION}" if by_file else "found upward"
    value = place.settings().get(name)
    return (value, _SECTION) if isinstance(value, str) and value else None


@command(
    "config",
    examples=[
        ("mendel config", "every setting, and where it comes from"),
        ("mendel config store", "one of them"),
        ("mendel config set store ../records", "write it into pyproject.toml"),
        ("mendel config set experiment churn/gbdt", "the experiment of new runs of this project"),
    ],
    shape='{"settings": [{"name", "value", "source", "variable", "meaning"}, …]}; '
    'with set {"file", "name", "value"}',
)
@click.argument("words", nargs=-1, metavar="[NAME | set NAME VALUE]")
def command_(door: Door, words: tuple[str, ...]) -> None:
    """Show or set the settings, and where each comes from.

    An option wins over an environment variable, that over [tool.mendel] in pyproject.toml. A
    project's file may say: store, experiment.
    """
    if words[:1] == ("set",):
        _set(door, words[1:])
        return
    if len(words) > 1:
        raise InvalidError("give one name, or: mendel config set NAME VALUE.")
    found = effective(door.location)
    if words:
        found = _named(found, words[0])
    if door.out.as_json:
        door.out.data({"settings": [_json(e) for e in found]})
    elif words:
        door.out.line(safe(found[0].value or ""))
    else:
        headings = [Heading("setting", stays=True), Heading("value"), Heading("from")]
        headings += [Heading("variable"), Heading("what it is")]
        door.out.table(headings, [_cells(e) for e in found])


def _named(found: list[Effective], word: str) -> list[Effective]:
    name = word.removeprefix("MENDEL_").lower()
    one = [e for e in found if e.setting.name == name]
    if not one:
        known = [s.name for s in SETTINGS]
        raise InvalidError(f"no setting {word!r}{did_you_mean(name, known)}")
    return one


def _json(found: Effective) -> dict[str, Any]:
    return {
        "name": found.setting.name,
        "value": found.value,
        "source": found.source,
        "variable": found.setting.variable,
        "meaning": found.setting.meaning,
    }


def _cells(found: Effective) -> list[Cell]:
    style = "dim" if found.source == "default" else ""
    return [
        Cell(found.setting.name),
        Cell(safe(found.value or ""), style),
        Cell(safe(found.source), style),
        Cell(found.setting.variable, "dim"),
        Cell(found.setting.meaning, "dim"),
    ]


def _set(door: Door, words: tuple[str, ...]) -> None:
    if len(words) != 2:
        raise InvalidError("write: mendel config set NAME VALUE.")
    name, value = words
    if name not in PROJECT:
        raise InvalidError(
            f"[tool.mendel] has no {name!r}{did_you_mean(name, PROJECT)}. Other settings are "
            "environment variables: mendel config"
        )
    path = _project_file()
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(with_setting(text, name, value), encoding="utf-8")
    if door.out.as_json:
        door.out.data({"file": str(path), "name": name, "value": value})
    else:
        door.out.done(f"{name} = {safe(value)} in {safe(str(path))}")


def _project_file() -> Path:
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "pyproject.toml").is_file():
            return folder / "pyproject.toml"
    return here / "pyproject.toml"


def with_setting(text: str, name: str, value: str) -> str:
    """Return the text of a pyproject.toml that says a setting, all else byte for byte as it was.

    Raises:
        InvalidError: the file is not valid, or says [tool.mendel] in a way that needs a person.
    """
    import tomllib

    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidError(f"pyproject.toml cannot be read: {error}. Mend it first.") from error
    line = f"{name} = {json.dumps(value, ensure_ascii=False)}"
    after = _placed(text, name, line)
    wanted = dict(before)
    wanted["tool"] = {**before.get("tool", {})}
    wanted["tool"]["mendel"] = {**wanted["tool"].get("mendel", {}), name: value}
    try:
        understood = tomllib.loads(after) == wanted
    except tomllib.TOMLDecodeError:
        understood = False
    if not understood:
        raise InvalidError(
            f"pyproject.toml says [tool.mendel] in a way that is not changed by machine. Write "
            f"this line into it by hand: {line}"
        )
    return after


def _placed(text: str, name: str, line: str) -> str:
    """Return the text with a line in its [tool.mendel]: in the place of the old one, or first."""
    lines = text.split("\n")
    start = next((i for i, ln in enumerate(lines) if ln.split("#")[0].strip() == _SECTION), None)
    if start is None:
        end_of_line = "" if text.endswith("\n") or not text else "\n"
        return f"{text}{end_of_line}{chr(10) if text else ''}{_SECTION}\n{line}\n"
    rest = range(start + 1, len(lines))
    end = next((i for i in rest if lines[i].lstrip()[:1] == "["), len(lines))
    at = next((i for i in range(start + 1, end) if re.match(rf"\s*{name}\s*=", lines[i])), None)
    if at is None:
        lines.insert(start + 1, line)
    else:
        lines[at] = line
    return "\n".join(lines)
