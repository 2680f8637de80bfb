"""What becomes of a training whose disk fills up (a small file system in memory)."""

import contextlib
import shutil
import subprocess

from benchmarks.envs import OURS
from benchmarks.harness import Measure, Result

SIZE = "64m"


def measure(bench):
    lost = Measure("calls that returned and whose point is gone", "", compare=False)
    longest = Measure("longest call", "ms", compare=False)
    finish = Measure("finish()", "ms", compare=False)
    raised = Measure("reaches the training loop", "")
    remarks = [
        "Room for 64 KiB was left; the disk was emptied again before points were counted.",
        "Calls: 200,000 or until one raises; Trackio 80,000, W&B, tensorboardX 20,000, Aim 4,000.",
    ]
    count = bench.scaled(200_000, 20_000)

    def once(who):
        with bench.folder() as folder, _small_disk(folder) as mounted:
            if not mounted:
                raised.words[who] = "not measured"
                return
            found, _, code = bench.watched(
                "fill", who, check=False, timeout=40, folder=folder, count=count
            )
            (folder / "ballast").unlink(missing_ok=True)
            _tell(who, found or {}, code)
            left, _, _ = bench.watched("count", who, check=False, timeout=90, folder=folder)
            if found and left:
                lost.add(who, max(0, found["calls"] - left["points"]))
            if left and left.get("lost"):
                remarks.append(f"Mendel counted {left['lost']:,} of them in the run.")

    def _tell(who, found, code):
        longest.add(who, found.get("longest_ms"))
        finish.add(who, found.get("finish_ms"))
        words = found.get("raised", "").split(":")[0] or "nothing"
        if code == "hangs":
            words = "hangs in finish()" if found else "hangs for ever"
        elif code:
            words = f"{words}; exit code {code}" if found else f"exit code {code}"
        raised.words[who] = words

    bench.turns([w for w in bench.who() if w != "list_append"], once, rounds=1)
    if any(w == "not measured" for w in raised.words.values()):
        remarks.append("Mounting a file system in memory needs root; not measured here.")
    if OURS in raised.words and raised.words[OURS] != "nothing":
        remarks.append("Mendel must not raise here.")
    return Result("The disk is full", [raised, lost, longest, finish], remarks)


@contextlib.contextmanager
def _small_disk(folder):
    mount = shutil.which("mount")
    command = [mount, "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    mounted = (
        bool(mount) and not subprocess.run(command, capture_output=True, check=False).returncode
    )
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)
