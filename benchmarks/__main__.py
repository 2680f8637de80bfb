"""`python -m benchmarks`: measure the promises and write RESULTS.md and results.json."""

import argparse
import importlib
import pkgutil
import sys
import time
from pathlib import Path

from benchmarks import envs, promises, report
from benchmarks.harness import Bench

HERE = Path(__file__).resolve().parent


def names():
    """The promises, in the order of their numbers."""
    return sorted(m.name for m in pkgutil.iter_modules(promises.__path__))


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "only", nargs="*", help="promises to measure (part of the name); default: all"
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, one round: does it run?")
    parser.add_argument("--peers", default="all", help="all, none, or names with commas between")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=HERE, help="where results are written")
    parser.add_argument("--list", action="store_true", help="the promises")
    options = parser.parse_args(argv)
    chosen = [n for n in names() if not options.only or any(w in n for w in options.only)]
    if options.list:
        print("\n".join(chosen))
        return 0
    peers = list(envs.PEERS) if options.peers == "all" else options.peers.split(",")
    peers = [p for p in peers if p in envs.PEERS]
    versions, absent = envs.prepare([envs.OURS, *envs.YARDSTICKS, *peers])
    for name, why in absent.items():
        print(f"{name} is left out: {why}")
    begun, results = time.monotonic(), {}
    for name in chosen:
        bench = Bench(versions, rounds=options.rounds, quick=options.quick)
        at = time.monotonic()
        print(f"{name} …", flush=True)
        results[name] = importlib.import_module(f"benchmarks.promises.{name}").measure(bench)
        results[name].remarks += [f"{who}: {why}" for who, why in bench.problems.items()]
        results[name].remarks = list(dict.fromkeys(results[name].remarks))
        print(report.text(results[name]), f"  ({time.monotonic() - at:.0f} s)\n", flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    report.write(options.out, results, (versions, absent), options, time.monotonic() - begun)
    print(f"written: {options.out / 'RESULTS.md'}, {options.out / 'results.json'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
