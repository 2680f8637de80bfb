"""Does the tasks about many runs with one contestant; see worker.py."""

import importlib
import json
import resource
import sys
import time

import manyruns


def median_ms(question, repeats=7, at_most_s=3.0):
    """Milliseconds of CPU that a question takes once it was asked before."""
    question()
    spent = []
    while len(spent) < repeats and sum(spent) < at_most_s * 1e3:
        begun = time.process_time()
        question()
        spent.append((time.process_time() - begun) * 1e3)
    return sorted(spent)[len(spent) // 2]


def once_ms(question):
    begun = time.process_time()
    question()
    return (time.process_time() - begun) * 1e3


def build(who, folder, count, rare):
    begun = time.process_time()
    who.build_runs(folder, [manyruns.params_and_metrics(i, rare) for i in range(count)])
    return {"ms_a_run": (time.process_time() - begun) * 1e3 / count}


def ask(who, folder):
    """Questions that a table of runs asks: a page, a count, a group-by; then keys never asked."""
    questions = who.questions(folder)
    found = {name: median_ms(question) for name, question in questions.items() if name != "key"}
    if "key" in questions:
        keys = [once_ms(lambda k=k: questions["key"](f"m{k:02}")) for k in range(2, 8)]
        found["key"] = sorted(keys)[len(keys) // 2]
    found["mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def frame(who, folder, count):
    made = []
    for _ in range(3):
        begun, used = time.perf_counter(), time.process_time()
        rows, columns = who.frame(folder, count)
        made.append(((time.perf_counter() - begun) * 1e3, (time.process_time() - used) * 1e3))
    wall, cpu = sorted(made)[1]
    return {"rows": rows, "columns": columns, "ms": wall, "cpu_ms": cpu}


TASKS = {"build": build, "ask": ask, "frame": frame}

if __name__ == "__main__":
    task, name, arguments = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    contestant = importlib.import_module(f"contestants.{name}")
    print(json.dumps(TASKS[task](contestant, **arguments)), flush=True)
