"""Machines whose clocks disagree: nobody is given up who lives, and nothing is lost."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from mendel.graph.run import RunState
from mendel.track.store import Store
from scripts import start_script, the_record

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.crash

ELSEWHERE = """
    import signal, sys, time
    from mendel.graph import clock, process
    ahead = float(sys.argv[1])
    clock.now = lambda: time.time() + ahead
    process.host = lambda: "elsewhere"
    process.boot = lambda: "another/1"
    import mendel
    run = mendel.start_run("r", experiment="e")
    for step in range(100):
        run.log({"loss": 1.0}, step)
    print("ready", flush=True)
    signal.pause()
"""


@pytest.mark.parametrize("ahead", [-86_400.0, -600.0, 0.0, 600.0])
def test_a_machine_whose_clock_is_wrong_is_not_given_up_while_it_lives(
    tmp_path: Path, ahead: float
) -> None:
    with start_script(tmp_path, ELSEWHERE, str(ahead)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        record = the_record(tmp_path)
        process.kill()
    assert record.state is RunState.RUNNING
    assert record.series["loss"].count == 100
    if ahead > 0:
        return  # what it wrote last is of the future; it is given up when that has come
    store = Store.open(tmp_path)
    long_ago = time.time() - 1000
    os.utime(store.marker(record.id), (long_ago, long_ago))
    store.close()
    if ahead < 0:
        assert the_record(tmp_path).state is RunState.LOST
