"""The demo as a person calls it: from raw data to the comparison, interrupted and gone on with."""

import json
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mendel.demo import models

pytest.importorskip("sklearn", reason="the demo's extra is not installed")
pytest.importorskip("lightgbm", reason="the demo's extra is not installed")

pytestmark = pytest.mark.story
NAMES = {recipe.name for recipe in models.RECIPES}


def mendel(folder: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "mendel", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done


def demo(folder: Path, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(mendel(folder, "demo", "--json", *words).stdout)
    return found


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("demo")
    return folder, demo(folder, "--fast")


def test_every_model_is_trained_judged_and_recorded(told: tuple[Path, dict[str, Any]]) -> None:
    _, found = told
    assert {run["name"] for run in found["runs"]} == NAMES
    for run in found["runs"]:
        assert run["state"] == "COMPLETE"
        assert run["points"] >= 4 * run["params"]["steps"]
        assert 0.5 < run["metrics"]["test/auc"] < 1
    losses = [run["metrics"]["val/logloss"] for run in found["runs"]]
    assert found["best"]["name"] == found["runs"][0]["name"]
    assert found["best"]["value"] <= min(losses)
    (group,) = found["groups"]
    assert (group["group"], group["runs"]) == ("gbdt-bagged", 3)
    assert group["metrics.test/auc"]["deviation"] > 0


def test_a_model_is_traced_back_to_the_raw_files(told: tuple[Path, dict[str, Any]]) -> None:
    _, found = told
    raw, prepare, data, last = found["came_from"]
    assert raw == "flights.csv.zip, planes.csv, weather.csv"
    assert (prepare, data, last) == ("prepare", "flights prepared", found["best"]["name"])


def test_a_finished_demo_is_shown_and_not_trained_again(told: tuple[Path, dict[str, Any]]) -> None:
    folder, found = told
    again = demo(folder, "--fast")
    assert [run["id"] for run in again["runs"]] == [run["id"] for run in found["runs"]]
    assert set(again["kept"]) == NAMES | {"prepare"}


def test_another_demo_takes_the_prepared_data_from_the_store(
    told: tuple[Path, dict[str, Any]],
) -> None:
    folder, found = told
    anew = demo(folder, "--fast", "--again")
    assert anew["kept"] == ["prepare"]
    assert not {run["id"] for run in anew["runs"]} & {run["id"] for run in found["runs"]}
    assert anew["came_from"][:3] == found["came_from"][:3]

    def judged(told: dict[str, Any]) -> dict[str, float]:
        return {run["name"]: run["metrics"]["test/auc"] for run in told["runs"]}

    assert judged(anew) == judged(found)


def test_the_commands_that_it_names_work(told: tuple[Path, dict[str, Any]]) -> None:
    folder, found = told
    for line in found["next"]:
        program, *arguments = shlex.split(line)
        assert Path(program).name == "mendel"
        assert mendel(folder, *arguments).stdout


def test_people_read_tables_and_programs_read_json(told: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = told
    done = mendel(folder, "demo", "--fast")
    for words in ("val logloss", "Best:", "3 seeds", "Look further", "mendel compare"):
        assert words in done.stdout
    assert "--again" in done.stderr


def test_interrupted_it_says_how_to_go_on_and_goes_on(tmp_path: Path) -> None:
    begun = subprocess.Popen(
        [sys.executable, "-m", "mendel", "demo", "--fast"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        bufsize=1,
    )
    said = ""
    with begun:
        assert begun.stderr is not None
        for line in begun.stderr:
            said += line
            if "gbdt-small" in line:
                begun.send_signal(signal.SIGINT)
                break
        said += begun.stderr.read()
    assert begun.returncode == 130
    assert "Interrupted" in said
    assert "`mendel demo` goes on" in said
    states = run_states(tmp_path)
    assert states["demo"] == "CANCELLED"
    assert states["linear"] == states["gbdt-small"] == "COMPLETE"

    found = demo(tmp_path, "--fast")
    assert {"prepare", "linear", "gbdt-small"} <= set(found["kept"])
    assert {run["name"] for run in found["runs"]} == NAMES
    assert set(run_states(tmp_path).values()) == {"COMPLETE"}
    for run in found["runs"]:  # a curve that was begun before is not there twice
        assert run["points"] == 4 * run["params"]["steps"]


def test_a_demo_whose_process_was_killed_is_gone_on_with(tmp_path: Path) -> None:
    begun = subprocess.Popen(
        [sys.executable, "-m", "mendel", "demo", "--fast"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    with begun:
        assert begun.stderr is not None
        for line in begun.stderr:
            if "linear" in line:
                break
        begun.send_signal(signal.SIGSTOP)
        refused = mendel(tmp_path, "demo", "--fast", "--json", code=1)
        begun.kill()
    assert "running already" in refused.stderr
    found = demo(tmp_path, "--fast")
    assert "linear" in found["kept"]
    assert set(run_states(tmp_path).values()) == {"COMPLETE"}


def run_states(folder: Path) -> dict[str, str]:
    told = json.loads(mendel(folder, "runs", "--json", "-e", "flights-2013").stdout)
    return {run["name"]: run["state"] for run in told["runs"]}


@pytest.mark.timeout(600)
def test_the_whole_demo(tmp_path: Path) -> None:
    found = demo(tmp_path)
    assert {run["name"] for run in found["runs"]} == NAMES
    best = next(run for run in found["runs"] if run["name"] == found["best"]["name"])
    assert best["metrics"]["test/auc"] > 0.70
    assert all(run["points"] == 4 * run["params"]["steps"] for run in found["runs"])


def test_where_lightgbm_cannot_load_another_library_boosts_and_that_is_said(
    tmp_path: Path,
) -> None:
    code = (
        "import sys\n"
        "sys.modules['lightgbm'] = None  # as on a machine without libgomp: importing it fails\n"
        "sys.argv = ['mendel', 'demo', '--fast', '--json']\n"
        "from mendel.cli.main import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "LightGBM cannot be loaded" in done.stderr
    assert "libgomp1" in done.stderr
    found = json.loads(done.stdout)
    assert found["library"] == "scikit-learn"
    assert {run["name"] for run in found["runs"]} == NAMES
