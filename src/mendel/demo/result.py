"""What came of the demo: read back from the record, as any script would, never from memory."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mendel
from mendel.demo.story import CHOOSE_BY, EXPERIMENT
from mendel.graph.lineage import Direction
from mendel.track import place
from mendel.track.view import is_system

if TYPE_CHECKING:
    from mendel.demo.screen import Screen
    from mendel.demo.story import Story
    from mendel.track.best import Best
    from mendel.track.group import GroupMember
    from mendel.track.store import Store
    from mendel.track.view import RunView

GROUPED = ("test/auc", "test/logloss")
BASELINE = "linear"


@dataclass(frozen=True, slots=True)
class Result:
    """The runs of one demo, best first, and what they say together."""

    store: Store
    library: str
    runs: list[RunView]
    best: Best
    groups: list[GroupMember]
    came_from: list[str]
    kept: list[str]
    was_told: bool
    seconds: float

    def commands(self) -> list[tuple[str, str]]:
        """Return command lines to look further with, and what each shows."""
        where = (
            ""
            if place.find() == self.store.root
            else f" --store {shlex.quote(str(self.store.root))}"
        )
        best = self.best.run.name
        mendel = called("mendel")
        return [
            (f"{mendel} runs -e {EXPERIMENT}{where}", "all runs of the experiment"),
            (f"{mendel} show {best}{where}", "the best one, whole: curves, lineage, machine"),
            (f"{mendel} compare {BASELINE} {best}{where}", "only what differs"),
            (f"{mendel} best test/auc -e {EXPERIMENT}{where}", "the best by another metric"),
        ]

    def as_data(self) -> dict[str, Any]:
        """Return it for a program."""
        return {
            "experiment": EXPERIMENT,
            "store": str(self.store.root),
            "library": self.library,
            "seconds": self.seconds,
            "kept": self.kept,
            "runs": [
                {
                    "id": run.id,
                    "name": run.name,
                    "state": str(run.state),
                    "group": run.record.group,
                    "params": run.params,
                    "metrics": run.metrics,
                    "points": sum(
                        s.count for key, s in run.record.series.items() if not is_system(key)
                    ),
                }
                for run in self.runs
            ],
            "best": {
                "id": self.best.run.id,
                "name": self.best.run.name,
                "metric": self.best.metric,
                "value": self.best.value,
            },
            "groups": [
                {
                    "group": group.by.get("group"),
                    "runs": group.count,
                    **{
                        field: {"mean": e.mean, "deviation": e.deviation, "n": e.n}
                        for field, e in group.stats.items()
                    },
                }
                for group in self.groups
            ],
            "came_from": self.came_from,
            "next": [line for line, _ in self.commands()],
        }

    def show(self, screen: Screen) -> None:
        """Tell it to a person."""
        screen.title("Chosen on September and October, judged on November and December")
        screen.grid(
            ["model", "val logloss", "at step", "test auc", "test logloss", "test f1", "seconds"],
            [_row(run) for run in self.runs],
        )
        self._show_best(screen)
        for group in self.groups:
            screen.title(f"{group.by.get('group')}: {group.count} seeds of the same settings")
            for field, estimate in group.stats.items():
                name = field.removeprefix("metrics.")
                screen.say(
                    f"{name:<13} {estimate.mean:.4f}, deviation {estimate.deviation:.4f}, "
                    f"95 % interval {estimate.low:.4f} to {estimate.high:.4f}"
                )
        screen.title("Look further")
        commands = self.commands()
        widest = max(len(line) for line, _ in commands)
        for line, what in commands:
            screen.say(f"{line:<{widest}}   # {what}")
        frame = f"import mendel; print(mendel.get_experiment_df('{EXPERIMENT}'))"
        screen.say(f'{called("python")} -c "{frame}"')
        if self.was_told:
            screen.done("All of it was there already; `mendel demo --again` trains anew.")

    def _show_best(self, screen: Screen) -> None:
        best, baseline = self.best.run, next((r for r in self.runs if r.name == BASELINE), None)
        screen.title(f"Best: {best.name}")
        if baseline is not None and baseline != best:
            mine, other = _number(best, "test/auc"), _number(baseline, "test/auc")
            screen.say(
                f"test auc {mine:.4f}, the linear baseline {other:.4f} ({mine - other:+.4f})"
            )
        found: list[Any] = best.classification_metrics()
        if found:
            (_, early), (missed, hit) = found[-1]["matrix"]
            screen.say(
                f"of {missed + hit:,} late flights it foretold {hit:,}; "
                f"{early:,} that it called late were on time"
            )
        screen.say(f"made of: {' → '.join(self.came_from)}")


def collect(story: Story, store: Store, *, seconds: float) -> Result:
    """Read what the record says of a demo."""
    search = story.models()
    best = mendel.best(search, f"{CHOOSE_BY}.min", "minimize")
    runs = sorted(search, key=lambda run: run.record.series[CHOOSE_BY].min or float("inf"))
    seeds = search.where("group is not null").group_by("group")
    return Result(
        store=store,
        library=story.plan.library,
        runs=runs,
        best=best,
        groups=list(seeds.agg(*(f"metrics.{name}" for name in GROUPED))),
        came_from=_came_from(best.run),
        kept=story.kept,
        was_told=story.was_told,
        seconds=seconds,
    )


def called(program: str) -> str:
    """Return how to call a program of this environment from here: its name, or the way to it."""
    here = Path(sys.prefix) / "bin" / program
    found = shutil.which(program)
    if not here.exists() or (found is not None and Path(found).samefile(here)):
        return program
    with contextlib.suppress(ValueError):  # it lies elsewhere
        here = here.relative_to(Path.cwd())
    return shlex.quote(str(here))


def _came_from(run: RunView) -> list[str]:
    """Return the way from the raw files to a run's model, by the lineage graph."""
    graph = mendel.lineage(run.id, Direction.UPSTREAM)
    runs = {node.id: node.display_name for node in graph.executions}
    artifacts = {node.id: node.display_name for node in graph.artifacts}
    read: dict[str, list[str]] = {}
    made: dict[str, list[str]] = {}
    for event in graph.events:
        drawer = read if event.kind == "INPUT" else made
        drawer.setdefault(event.execution, []).append(event.artifact)
    way, now = [run.name], run.id
    for _ in range(len(runs)):
        inputs = read.get(now, [])
        if not inputs:
            break
        way.insert(0, ", ".join(sorted(artifacts.get(i, i) for i in inputs)))
        makers = [e for e, outputs in made.items() if set(outputs) & set(inputs)]
        if not makers:
            break
        now = makers[0]
        way.insert(0, runs.get(now, now))
    return way


def _number(run: RunView, metric: str) -> float:
    value = run.metrics.get(metric)
    return float(value) if isinstance(value, int | float) else float("nan")


def _row(run: RunView) -> list[str]:
    watched = run.record.series[CHOOSE_BY]
    return [
        run.name,
        f"{watched.min:.4f}",
        str(watched.min_step),
        *(f"{_number(run, name):.4f}" for name in ("test/auc", "test/logloss", "test/f1")),
        f"{_number(run, 'seconds'):.1f}",
    ]
