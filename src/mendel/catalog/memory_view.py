"""What the memory catalog holds, and every answer as it is worked out from that."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from mendel.catalog import lineage, memory_graph, memory_run
from mendel.catalog.decisions import RunDecisions, of_run
from mendel.catalog.experiments import Birth, Experiments, Known, birth_of
from mendel.catalog.facts import GRAPH, Stamp, problem
from mendel.catalog.memory_run import Run, Writer
from mendel.graph.digest import START
from mendel.graph.errors import NotFoundError
from mendel.graph.lineage import Direction, EventKind, Node, NodeKind, Subgraph
from mendel.graph.query import matches, parse
from mendel.graph.query_field import LINEAGE_FIELDS
from mendel.graph.query_run import run_value
from mendel.graph.run import ExperimentRecord, RunRecord
from mendel.graph.values import MISSING, Missing, Value, flatten

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mendel.catalog.contract import Blocks, Decision, RunQuery
    from mendel.graph.digest import Digest, Fact

Item = TypeVar("Item")
LEDGER = ""  # the id that the ledger's records stand under


class View:
    """All that was given, and what follows from it."""

    def __init__(self, blocks: Blocks) -> None:
        self.blocks = blocks
        self.runs: dict[str, Run] = {}
        self.decisions: list[Decision] = []
        # What runs said of nodes and experiments stays when they are purged.
        self.graph_facts: dict[Stamp, tuple[Fact, str | None]] = {}
        self.births: dict[str, Birth] = {}
        self.clock = 0
        self.changed: dict[str, int] = {}

    # -- taking in --

    def take(self, digest: Digest) -> str | None:
        """Take in a digest; return its run if it said anything new."""
        run = self.runs.get(digest.run or LEDGER) or Run(digest.run or LEDGER)
        writer = run.writers.get(digest.writer.id)
        if digest.start != (START if writer is None else writer.position):
            return None
        self.runs[run.id] = run
        seen = digest.last_time
        if seen is None and writer is not None:
            seen = writer.last_time
        closed = digest.closed or (writer is not None and writer.closed)
        run.writers[digest.writer.id] = Writer(digest.writer, digest.end, closed, seen)
        run.damage |= set(digest.damage)
        run.blocks |= {block.key: block for block in digest.blocks}
        for fact in digest.facts:
            self._take_fact(run, digest.writer.id, fact)
        return digest.run

    def _take_fact(self, run: Run, writer: str, fact: Fact) -> None:
        wrong = problem(writer, fact)
        if wrong is not None:
            run.damage.add(wrong)
            return
        stamp = Stamp(fact.time, writer, fact.ordinal)
        run.facts.append((stamp, fact))
        if fact.kind in GRAPH:
            self.graph_facts[stamp] = (fact, run.id or None)
        birth = birth_of(stamp, fact)
        if birth is not None:
            known = self.births.setdefault(birth.id, birth)
            if known is not birth:
                known.add(birth)

    def touch(self, runs: Iterable[str]) -> None:
        """Note that runs changed."""
        changed = sorted(runs)
        if changed:
            self.clock += 1
            self.changed |= dict.fromkeys(changed, self.clock)

    def places(self) -> dict[str, tuple[str, str, float | None]]:
        """Return what each run's experiment is, to see what a change of experiments changes."""
        who = self.experiments()
        # Not by `records`: the points of a run that is being purged are gone before it is.
        return {run.id: self._place(run, who) for run in self.real_runs()}

    def _place(self, run: Run, who: Experiments) -> tuple[str, str, float | None]:
        deleted = of_run(self.about(run.id)).deleted
        experiment = who.by_id.get(memory_run.tell(run).experiment)
        if experiment is None:
            return "", "", deleted
        return experiment.id, experiment.name, experiment.deleted if deleted is None else deleted

    # -- runs --

    def real_runs(self) -> list[Run]:
        """Return the runs, without the ledger."""
        return [run for run in self.runs.values() if run.id != LEDGER]

    def about(self, target: str) -> list[Decision]:
        """Return the decisions about one thing, in order."""
        return [d for d in self.decisions if d.target == target]

    def records(self) -> dict[str, RunRecord]:
        """Return every run."""
        who = self.experiments()
        return {run.id: self._record(run, who) for run in self.real_runs()}

    def _record(self, run: Run, who: Experiments) -> RunRecord:
        told = memory_run.tell(run)
        decided = of_run(self.about(run.id))
        experiment = who.by_id.get(told.experiment)
        state = memory_run.state_of(run, told)
        in_trash = None if experiment is None else experiment.deleted
        seen = [t for t in (run.last_seen(), decided.updated) if t is not None]
        return RunRecord(
            id=run.id,
            name=decided.name or told.name,
            experiment_id="" if experiment is None else experiment.id,
            experiment="" if experiment is None else experiment.name,
            state=state,
            created=told.created,
            started=told.started,
            ended=told.said.time if told.said is not None and state.ended else None,
            updated=max(seen, default=None),
            **told.texts,
            params=_sorted(told.drawers["params"]),
            metrics=_sorted(told.drawers["metrics"]),
            series={k: memory_run.summary(p) for k, p in self.points(run.id).items()},
            tags=decided.over(told.drawers["tags"]),
            definitions=_sorted(told.definitions),
            rewinds=tuple(told.rewinds),
            capture=_sorted(told.drawers["capture"]),
            note=decided.note,
            pinned=decided.pinned,
            archived=decided.archived,
            deleted=in_trash if decided.deleted is None else decided.deleted,
            end=_sorted(told.end),
            alerts=tuple(memory_run.kept(run, ["alert"])),
            lost_points=told.lost_points,
            damage=tuple(sorted(run.damage)),
        )

    def points(self, run: str) -> dict[str, list[memory_run.Point]]:
        """Return the points of a run by key."""
        known = self.runs.get(run)
        return (
            {} if known is None else memory_run.points(known, memory_run.tell(known), self.blocks)
        )

    def matching(self, query: RunQuery) -> list[RunRecord]:
        """Return the runs that a query is about."""
        expr = parse(query.filter)
        return [
            run
            for run in self.records().values()
            if _in_experiments(run, query.experiments)
            and (query.deleted is None or (run.deleted is not None) is query.deleted)
            and matches(expr, partial(self.value, run))
        ]

    def value(self, run: RunRecord, field: str) -> Value | Missing:
        """Return a run's value of a field."""
        if field not in LINEAGE_FIELDS:
            return run_value(run, field)
        nodes, graph = self.nodes(), self.graph()
        executions = {run.id} | {n.id for n in nodes.values() if n.run == run.id}
        touched = [e for e in graph.events.values() if e.execution in executions]
        if field in {"artifact.inputs", "artifact.outputs"}:
            kind = EventKind.INPUT if field == "artifact.inputs" else EventKind.OUTPUT
            touched = [e for e in touched if e.kind is kind]
        artifacts = [nodes[e.artifact] for e in touched if e.artifact in nodes]
        artifacts = [n for n in artifacts if n.kind is NodeKind.ARTIFACT]
        if field == "artifact.datasets":
            artifacts = [n for n in artifacts if lineage.is_dataset(n)]
        if field == "artifact.models":
            artifacts = [n for n in artifacts if lineage.is_model(n)]
        return list(lineage.artifact_texts(artifacts)) or MISSING

    # -- experiments --

    def experiments(self) -> Experiments:
        """Return who is who among experiments."""
        return Experiments(self.births.values(), self.decisions)

    def experiment_records(self) -> list[ExperimentRecord]:
        """Return every experiment."""
        records = self.records().values()
        out = []
        for known in self.experiments().all():
            runs = [r for r in records if r.experiment_id == known.id]
            runs = [r for r in runs if self._counts(r, known)]
            out.append(
                ExperimentRecord(
                    id=known.id,
                    name=known.name,
                    created=known.created,
                    description=known.told(),
                    updated=known.updated,
                    run_count=len(runs),
                    last_activity=max((r.updated for r in runs if r.updated), default=None),
                    deleted=known.deleted,
                )
            )
        return out

    def _counts(self, run: RunRecord, known: Known) -> bool:
        return known.deleted is not None or run.deleted is None

    # -- what a decision is judged by (see `mendel.catalog.decisions.judge`) --

    def decided_run(self, run: str) -> RunDecisions | None:
        """Return what was decided about a run, if there is such a run."""
        return of_run(self.about(run)) if run != LEDGER and run in self.runs else None

    def experiment_of(self, run: str) -> Known | None:
        """Return a run's experiment."""
        return self.experiments().by_id.get(memory_run.tell(self.runs[run]).experiment)

    def pinned_in(self, experiment: Known) -> list[str]:
        """Return the names of an experiment's pinned runs."""
        runs = self.records().values()
        return sorted(r.name for r in runs if r.pinned and r.experiment_id == experiment.id)

    def node(self, node: str) -> Node | None:
        """Return a node that is no run."""
        return None if node in self.runs else self.graph().nodes().get(node)

    def decide(self, decision: Decision) -> None:
        """Let a decision take effect."""
        before = self.places()
        self.decisions.append(decision)
        if decision.what == "purge_run":
            self.runs.pop(decision.target, None)
        after = self.places()
        moved = {run for run in {*before, *after} if before.get(run) != after.get(run)}
        self.touch(moved | ({decision.target} & {*before}))

    # -- lineage --

    def graph(self) -> memory_graph.Graph:
        """Return what was said of nodes and events."""
        facts = [(stamp, fact, run) for stamp, (fact, run) in self.graph_facts.items()]
        return memory_graph.tell(facts, self.decisions)

    def nodes(self) -> dict[str, Node]:
        """Return every node, runs among them."""
        runs = {run.id: lineage.run_node(run) for run in self.records().values()}
        return {**self.graph().nodes(), **runs}

    def lineage(
        self, node: str, direction: Direction, hops: int | None, limit: int | None
    ) -> Subgraph:
        """Return what is reached from a node."""
        nodes, graph = self.nodes(), self.graph()
        if node not in nodes or nodes[node].kind is NodeKind.CONTEXT:
            raise NotFoundError(f"no artifact or execution {node!r}.")
        all_edges = [(e.execution, e.artifact, e.kind.value) for e in graph.events.values()]

        def edges(ids: Sequence[str], *, executions: bool) -> list[lineage.Edge]:
            return [e for e in all_edges if e[0 if executions else 1] in ids]

        found = lineage.walk(
            node,
            direction,
            is_execution=nodes[node].kind is NodeKind.EXECUTION,
            hops=hops,
            limit=limit,
            edges=edges,
            known=lambda ids: [i for i in ids if i in nodes],
        )
        artifacts = {i: nodes[i] for i in found if nodes[i].kind is NodeKind.ARTIFACT}
        executions = {i: nodes[i] for i in found if nodes[i].kind is NodeKind.EXECUTION}
        events = [
            event
            for event in graph.events.values()
            if event.execution in executions and event.artifact in artifacts
        ]
        return Subgraph(
            tuple(artifacts.values()),
            tuple(executions.values()),
            tuple(sorted(events, key=lineage.event_order)),
        )

    def members(self, context: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """Return a context's nodes, children and parents."""
        graph, records = self.graph(), self.records()
        nodes = {n for c, n in graph.members if c == context}
        children = {child for parent, child in graph.children if parent == context}
        parents = {parent for parent, child in graph.children if child == context}
        experiment = self.experiments().by_id.get(context)
        own = graph.nodes().get(context)
        if context in records:
            run = records[context]
            nodes |= {n.id for n in graph.nodes().values() if n.run == context}
            nodes |= {e.artifact for e in graph.events.values() if e.execution == context}
            children |= {r.id for r in records.values() if r.parent == context}
            parents |= {p for p in (run.experiment_id, run.parent) if p}
        elif experiment is not None:
            children |= {r.id for r in records.values() if r.experiment_id == experiment.id}
        elif own is None or own.kind is not NodeKind.CONTEXT:
            raise NotFoundError(f"no context, run or experiment {context!r}.")
        return tuple(sorted(nodes)), tuple(sorted(children)), tuple(sorted(parents))


def _sorted(items: dict[str, Item]) -> dict[str, Item]:
    return dict(sorted(items.items()))


def _in_experiments(run: RunRecord, experiments: Sequence[str] | None) -> bool:
    return experiments is None or any(
        run.experiment.startswith(name) if name.endswith("/") else run.experiment == name
        for name in experiments
    )


def columns_of(run: RunRecord) -> set[str]:
    """Return the names of the columns that a run has."""
    names = {f"metrics.{key}" for key in run.series}
    for drawer, tree in (("params", run.params), ("metrics", run.metrics), ("tags", run.tags)):
        names |= {f"{drawer}.{name}" for name, _ in flatten(tree)}
    return names
