"""Keeping a store: doctor, rebuild, du, config."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from front import call, fill, good, working

from mendel.cli.config import with_setting
from mendel.graph.errors import InvalidError
from mendel.track.background import background

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    with working(tmp_path, monkeypatch):
        filled = fill(tmp_path)
        background.drain()  # what is compressed beside is done
        yield filled


def findings(*args: str) -> dict[str, list[dict[str, Any]]]:
    answer = call("doctor", *args, "--json")
    told = answer.json()
    assert answer.code == (0 if told["healthy"] else 1)
    out: dict[str, list[dict[str, Any]]] = {}
    for finding in told["findings"]:
        out.setdefault(finding["level"], []).append(finding)
    return out


def test_a_sound_store_is_well(ids: dict[str, str]) -> None:
    assert ids
    found = findings("--deep")
    assert set(found) == {"ok"}
    assert "all is well" in good("doctor").err


def test_damage_is_told_with_its_place(ids: dict[str, str]) -> None:
    [segment] = Path(".mendel/runs").rglob(f"{ids['one']}/journal/*.md?")
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 0xFF
    segment.write_bytes(data)
    [problem] = findings()["problem"]
    assert problem["check"] == "journals"
    assert ids["one"] in problem["places"][0]
    assert segment.name in problem["places"][0]
    assert call("doctor").code == 1


def test_missing_and_rotten_bytes_are_told(ids: dict[str, str]) -> None:
    assert ids
    [blob] = [p for p in Path(".mendel/blobs").rglob("*") if p.is_file()]
    data = blob.read_bytes()
    blob.chmod(0o644)
    blob.write_bytes(data[:-1] + b"!")
    assert "problem" not in findings()
    assert findings("--deep")["problem"][0]["what"] == "bytes that are not what was stored"
    blob.unlink()
    [problem] = findings()["problem"]
    assert problem["what"] == "artifacts whose bytes are not here"


def test_a_run_whose_folder_is_gone_is_told(ids: dict[str, str]) -> None:
    import shutil

    [folder] = Path(".mendel/runs").glob(f"*/{ids['one']}")
    shutil.rmtree(folder)
    [problem] = findings()["problem"]
    assert problem["places"] == [ids["one"]]


def test_a_torn_decision_is_told(ids: dict[str, str]) -> None:
    assert ids
    good("tag", "one", "a=1")
    with Path(".mendel/decisions.jsonl").open("a") as file:
        file.write('{"id": "01')
    assert findings()["remark"][0]["check"] == "decisions"


def test_a_damaged_catalog_is_told_and_made_anew(ids: dict[str, str]) -> None:
    good("tag", "one", "a=1")
    for path in Path(".mendel").glob("catalog.sqlite*"):
        path.write_bytes(b"not a database, but long enough to be taken for one" * 100)
    answer = call("runs")
    if answer.code == 0:
        pytest.skip("this catalog is not a file")
    assert "rebuild" in answer.err
    assert findings()["problem"][0]["check"] == "catalog"
    good("rebuild")
    told = good("show", "one", "--json").json()
    assert told["id"] == ids["one"]
    assert told["tags"]["a"] == 1


def test_du_counts_what_is_there(ids: dict[str, str]) -> None:
    assert background.drain(30.0)  # what runs compress after their end changes the sizes
    told = good("du", "--json").json()
    rows = {row["name"]: row["bytes"] for row in told["rows"]}
    assert rows["shared bytes"] >= 7000
    assert rows["journals"] > 0
    assert sum(rows.values()) == told["total"]
    runs = good("du", "--by", "run", "--json").json()["rows"]
    assert {row["id"] for row in runs} == set(ids.values())
    [experiment] = good("du", "--by", "experiment", "--json").json()["rows"]
    assert experiment["name"] == "flights"
    assert experiment["runs"] == 4
    assert experiment["bytes"] == sum(row["bytes"] for row in runs)


def test_config_says_where_a_setting_comes_from(
    ids: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert ids

    def source(name: str) -> tuple[str, str]:
        rows = good("config", "--json").json()["settings"]
        return next((r["value"], r["source"]) for r in rows if r["name"] == name)

    assert source("store") == (str(tmp_path / ".mendel"), "found upward")
    good("config", "set", "experiment", "churn/gbdt")
    assert source("experiment") == ("churn/gbdt", "[tool.mendel]")
    monkeypatch.setenv("MENDEL_EXPERIMENT", "other")
    assert source("experiment") == ("other", "MENDEL_EXPERIMENT")
    assert good("config", "experiment").out == "other\n"
    assert call("config", "set", "colour", "red").code == 1
    assert call("config", "set", "store").code == 1


PROJECT = '# my project\n[project]\nname = "x"  # a name\n\n[tool.other]\na = 1\n'


@pytest.mark.parametrize(
    "text",
    [
        "",
        PROJECT,
        PROJECT + '\n[tool.mendel]\nexperiment = "e"\n',
        '[tool.mendel]\nstore = "old" # here\n\n[tool.z]\nb = 2',
    ],
)
def test_a_projects_file_is_changed_in_one_line_only(text: str) -> None:
    after = with_setting(text, "store", 'a "b"')
    parsed, before = tomllib.loads(after), tomllib.loads(text)
    assert parsed["tool"]["mendel"].pop("store") == 'a "b"'
    assert set(text.split("\n")) - set(after.split("\n")) <= {'store = "old" # here'}
    before.get("tool", {}).get("mendel", {}).pop("store", None)
    assert parsed.get("project") == before.get("project")


@pytest.mark.parametrize(
    "text", ["[tool]\nmendel = {store = 'x'}\n", "tool.mendel.store = 'x'\n", "["]
)
def test_a_projects_file_that_needs_a_person_is_left(text: str) -> None:
    with pytest.raises(InvalidError):
        with_setting(text, "store", "y")
