"""The table: what was promised, what was measured, and how many times each peer's figure."""

import json
import platform
import sys
from pathlib import Path

from benchmarks.envs import OURS, YARDSTICKS

TITLES = {
    "mendel_": "Mendel",
    "list_append": "list.append",
    "struct_mmap": "struct + mmap",
    "sqlite_insert": "SQLite insert",
    "trackio_": "Trackio",
    "tensorboardx": "tensorboardX",
    "wandb_": "W&B offline",
    "aim_": "Aim",
    "mlflow_": "MLflow",
}


def figure(value, unit=""):
    """A number as people read it: three digits."""
    if value is None:
        return "–"
    if value == 0:
        text = "0"
    elif abs(value) >= 1000:
        text = f"{value:,.0f}"
    else:
        text = f"{value:.3g}"
    return f"{text} {unit}".strip()


def text(result):
    """A result for the terminal."""
    lines = []
    for m in result.measures:
        lines.append(f"  {m.name} [{m.unit}]{_promise(m)}")
        for who in order([*m.samples, *m.words]):
            value, ratio = m.median(who), m.ratio(who)
            low, high = m.spread(who) if value is not None else (None, None)
            shown = m.words.get(who) or figure(value)
            span = f"  ({figure(low)} … {figure(high)})" if low != high else ""
            times = f"  {figure(ratio)}×" if who != OURS and ratio else ""
            lines.append(f"    {TITLES.get(who, who):<14} {shown:>10}{times}{span}")
    lines += [f"  {remark}" for remark in result.remarks]
    return "\n".join(lines)


def order(names):
    known = list(TITLES)
    return sorted(set(names), key=lambda n: (known.index(n) if n in known else 99, n))


def _promise(m):
    if m.target is None:
        return ""
    sign = "≥" if m.more_is_better else "≤"
    kept = {True: "kept", False: "NOT kept", None: "not measured"}[m.met()]
    return f", promised {sign} {figure(m.target)}: {kept}"


def machine():
    """The machine, without saying whose it is."""
    model, memory = "", ""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
        kib = int(Path("/proc/meminfo").read_text(encoding="utf-8").split()[1])
        memory = f", {kib / 2**20:.0f} GiB of memory"
    except OSError:
        pass
    import os

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{cores} cores of {model or platform.machine()}{memory}; {platform.system()}; "
        f"Python {sys.version.split()[0]}; load {os.getloadavg()[0]:.1f} when it ended"
    )


def write(folder, results, took_part, options, seconds):
    """Write results.json (every sample) and RESULTS.md (medians and ratios).

    Promises that were not measured this time keep what was measured before.
    """
    path, (versions, absent) = folder / "results.json", took_part
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    promises = dict(before.get("promises", {}))
    for name, result in results.items():
        promises[name] = {
            "title": result.title,
            "remarks": result.remarks,
            "measures": [_as_data(m) for m in result.measures],
        }
    data = {
        "machine": machine(),
        "quick": options.quick,
        "rounds": options.rounds,
        "seconds": round(seconds),
        "versions": {**before.get("versions", {}), **versions},
        "absent": absent,
        "promises": dict(sorted(promises.items())),
    }
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "RESULTS.md").write_text(page(data), encoding="utf-8")


def _as_data(m):
    return {
        "name": m.name,
        "unit": m.unit,
        "target": m.target,
        "more_is_better": m.more_is_better,
        "kept": m.met(),
        "samples": m.samples,
        "words": m.words,
        "median": {who: m.median(who) for who in m.samples},
        "ratio": {who: m.ratio(who) for who in m.samples if who != OURS},
    }


def page(data):
    """The page of results."""
    peers = ", ".join(
        f"{TITLES[n]} {v}" for n, v in data["versions"].items() if n not in (*YARDSTICKS, OURS)
    )
    lines = [
        "# What was promised, and what was measured",
        "",
        "Written by `make bench`; do not edit. Medians over rounds in which all take turns,",
        "each measurement in a process of its own. In brackets: how many times Mendel's figure",
        "(above 1: Mendel is better). Every sample is in `results.json`.",
        "",
        f"* Machine: {data['machine']}.",
        f"* Peers: {peers or 'none'}, each from PyPI in its own environment.",
    ]
    lines += [f"* {TITLES[n]} is left out: {why}" for n, why in data["absent"].items()]
    if data["quick"]:
        lines.append("* **A quick look: small sizes, one round. The figures mean nothing.**")
    for promise in data["promises"].values():
        lines += ["", f"## {promise['title']}", ""]
        shown = order(
            w for m in promise["measures"] for w in (*m["samples"], *m["words"]) if w != OURS
        )
        head = ["measure", "promised", "Mendel", "kept", *[TITLES.get(w, w) for w in shown]]
        lines += ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        lines += [_row(m, shown) for m in promise["measures"]]
        if promise["remarks"]:
            lines.append("")
        lines += [f"* {remark}" for remark in promise["remarks"]]
    return "\n".join(lines) + "\n"


def _row(m, shown):
    sign = "≥" if m["more_is_better"] else "≤"
    promised = "" if m["target"] is None else f"{sign} {figure(m['target'], m['unit'])}"
    kept = {True: "yes", False: "**no**", None: ""}[m["kept"]]
    mine = m["words"].get(OURS) or figure(m["median"].get(OURS), m["unit"])
    cells = [m["name"], promised, mine, kept]
    for who in shown:
        cell = m["words"].get(who) or figure(m["median"].get(who), m["unit"])
        ratio = m["ratio"].get(who)
        cells.append(cell + (f" (×{figure(ratio)})" if ratio else ""))
    return "| " + " | ".join(cells) + " |"
