"""One state machine for every catalog: whatever happens, it tells what the memory catalog tells.

Inherit `CatalogMachine`, make your catalog in `make`, and run its `TestCase`. Writers of several
runs write facts and points with times that collide and go backwards; their journals are taken in
piece by piece, again, with gaps, and in any order; people decide meanwhile; the catalog is opened
anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from mendel.catalog.contract import Decision, NodeQuery, RunQuery
from mendel.catalog.memory import MemoryCatalog
from mendel.graph.digest import START
from mendel.graph.errors import MendelError
from mendel.graph.lineage import Direction, NodeKind
from mendel.graph.run import RunState
from mendel.testing import catalog_facts
from mendel.testing.catalog_facts import EXPERIMENTS, NODES, RUNS, WRITERS
from mendel.testing.catalog_journals import PaperJournals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mendel.catalog.contract import Catalog
    from mendel.testing.catalog_facts import FactBody

FILTERS = (
    "",
    "params.a > 0",
    "params.a = 1 or params.b is null",
    "not metrics.loss < 0.5",
    "metrics.loss.min <= 0 and metrics.loss.count > 1",
    "metrics.a.mean >= 0",
    "tags.a = 'x'",
    "tags.a.b is null",
    "state in ('RUNNING', 'LOST')",
    "experiment = 'churn'",
    "name like 'x%' or note = 'x'",
    "created > 2 and updated < 6",
    "duration >= 0",
    "dataset:data",
    "input:n1 or output:n2",
    "git.commit = 'x'",
    "capture.a.b is null",
    "x",
    "pinned = true",
    "lost_points > 0",
)
ORDERS = (
    (),
    ("metrics.loss",),
    ("params.a desc", "name"),
    ("tags.a", "created"),
    ("duration desc",),
)
NODE_FILTERS = (
    "",
    'display_name = "x"',
    'uri = "x" AND schema_title = "system.Dataset"',
    "metadata.a.number_value > 0",
    'in_context("n3")',
    'parent_contexts:"n2"',
)


class CatalogMachine(RuleBasedStateMachine):
    """See the top of this file."""

    def __init__(self) -> None:
        super().__init__()
        self.journals = PaperJournals(block_points=3)
        self.model = MemoryCatalog(self.journals)
        self.catalog: Catalog
        self.taken: list[Decision] = []
        self.cursor = 0
        self.seen: dict[str, str] = {}
        self.decisions = 0

    # -- what an heir says --

    def make(self) -> Catalog:
        """Return an empty catalog that reads points from ``self.journals``."""
        raise NotImplementedError

    def reopen(self) -> Catalog:
        """Return the same catalog opened anew; by default it stays as it is."""
        return self.catalog

    @initialize(begun=st.booleans())
    def begin(self, begun: bool) -> None:
        self.catalog = self.make()
        for (run, name), (an_id, title) in zip(WRITERS, EXPERIMENTS, strict=False):
            if begun:
                body: Any = {
                    "name": "x",
                    "experiment": {"id": an_id, "name": title},
                    "created": 2.0,
                }
                self.journals.writer(run, name).fact("run", body, 2.0)
        self.ingest_all()

    def teardown(self) -> None:
        if hasattr(self, "catalog"):
            self.compare()
            self.catalog.close()

    # -- writing journals --

    writers = st.integers(0, len(WRITERS) - 1)

    @rule(
        said=st.lists(
            st.tuples(writers, catalog_facts.facts, catalog_facts.times), min_size=1, max_size=6
        )
    )
    def say(self, said: list[tuple[int, FactBody, float]]) -> None:
        for writer, (kind, body), time in said:
            run, name = WRITERS[writer]
            if run is not None or kind not in {"run", "rewind"}:
                self.journals.writer(run, name).fact(kind, body, time)

    @rule(
        writer=st.integers(0, len(WRITERS) - 2),
        points=st.lists(catalog_facts.points, min_size=1, max_size=6),
    )
    def log(self, writer: int, points: list[tuple[dict[str, float], int, float]]) -> None:
        run, name = WRITERS[writer]
        for put, step, time in points:
            self.journals.writer(run, name).log(put, step, time)

    @rule(writer=writers)
    def close_writer(self, writer: int) -> None:
        run, name = WRITERS[writer]
        self.journals.writer(run, name).closed = True

    # -- taking in --

    @rule(data=st.data())
    @precondition(lambda self: self.journals.writers)
    def ingest(self, data: st.DataObject) -> None:
        known = {
            writer: place
            for own in self.model.positions().values()
            for writer, place in own.items()
        }
        digests = []
        for name in data.draw(st.lists(st.sampled_from(sorted(self.journals.writers)), max_size=5)):
            writer = self.journals.writers[name]
            start = known.get(name, START) if data.draw(st.integers(0, 9)) else START
            stop = data.draw(st.none() | st.integers(0, writer.ordinal))
            digest = writer.digest(start, records=stop)
            digests.append(digest)
            known[name] = digest.end
        self.both(lambda catalog: catalog.ingest(digests))

    @rule()
    def ingest_all(self) -> None:
        known = {
            writer: place
            for own in self.model.positions().values()
            for writer, place in own.items()
        }
        digests = [
            writer.digest(known.get(name, START)) for name, writer in self.journals.writers.items()
        ]
        self.both(lambda catalog: catalog.ingest(digests))

    @rule(run=st.sampled_from(RUNS), state=st.sampled_from([*RunState]))
    def observe(self, run: str, state: RunState) -> None:
        self.both(lambda catalog: catalog.observe({run: state, "no such run": state}))

    # -- deciding --

    @rule(
        made=st.lists(
            st.tuples(catalog_facts.decisions, catalog_facts.times), min_size=1, max_size=3
        )
    )
    def decide(self, made: list[tuple[tuple[FactBody, str], float]]) -> None:
        decisions = []
        for ((what, body), about), time in made:
            self.decisions += 1
            decisions.append(Decision(f"d{self.decisions:03}", what, about, body, time, "me"))
        if self.both(lambda catalog: catalog.decide(decisions)):
            self.taken += decisions

    @rule()
    @precondition(lambda self: self.taken)
    def decide_again(self) -> None:
        self.both(lambda catalog: catalog.decide(self.taken))
        self.both(lambda catalog: catalog.replay(self.taken))

    @rule()
    def open_anew(self) -> None:
        self.catalog = self.reopen()

    @rule()
    def rebuild(self) -> None:
        """Make both anew from decisions and journals; from here on they go on from there."""
        self.catalog.close()
        self.model = MemoryCatalog(self.journals)
        self.catalog = self.make()
        self.both(lambda catalog: catalog.replay(self.taken))
        self.cursor, self.seen = 0, {}
        self.ingest_all()

    # -- looking --

    def both(self, act: Callable[[Catalog], object]) -> bool:
        """Do something to both; they raise the same or tell the same. Tell whether it went well."""
        outcomes = []
        for catalog in (self.model, self.catalog):
            try:
                outcomes.append(repr(act(catalog)))
            except MendelError as error:
                outcomes.append(f"{type(error).__name__}: {error}")
        expected, got = outcomes
        assert got == expected, f"the model says\n{expected}\nthis catalog says\n{got}"
        return outcomes[0] == "None"

    @rule(
        text=st.sampled_from(FILTERS),
        order=st.sampled_from(ORDERS),
        deleted=st.sampled_from([None, True, False]),
        experiments=st.sampled_from([None, ("churn",), ("team/",), ("churn", "new")]),
        limit=st.sampled_from([None, 0, 1, 2]),
    )
    def search(
        self,
        text: str,
        order: Sequence[str],
        deleted: bool | None,
        experiments: tuple[str, ...] | None,
        limit: int | None,
    ) -> None:
        def pages(catalog: Catalog) -> object:
            out: list[Any] = []
            cursor = None
            while True:
                query = RunQuery(text, experiments, tuple(order), deleted, limit, cursor)
                page = catalog.find_runs(query)
                out.append((page.ids, page.total))
                cursor = page.cursor
                if cursor is None:
                    return out

        query = RunQuery(text, experiments, deleted=deleted)
        self.both(pages)
        self.both(lambda catalog: catalog.keys(query))
        drawers = ["params", "summary", "series", "tags"]
        self.both(lambda catalog: catalog.sheet([*RUNS, "nobody"], drawers))
        self.both(lambda catalog: catalog.keys(prefix="params.", containing="B", limit=2))
        self.both(
            lambda catalog: catalog.group(
                query, ["params.a", "state"], ["metrics.loss", "params.b"]
            )
        )

    @rule(
        buckets=st.sampled_from([None, 1, 2]),
        low=st.none() | st.integers(-1, 5),
        high=st.none() | st.integers(-1, 5),
        keys=st.sampled_from([None, ["loss"], ["a", "nothing", "loss"]]),
    )
    def look_at_series(
        self, buckets: int | None, low: int | None, high: int | None, keys: list[str] | None
    ) -> None:
        runs = [*RUNS, "nobody"]
        self.both(lambda c: c.series(runs, keys, buckets=buckets, steps=(low, high)))
        for run in RUNS:
            self.both(lambda c, run=run: c.series_values(run, keys))  # type: ignore[misc]

    @rule(
        node=st.sampled_from([*NODES, *RUNS, "nobody"]),
        direction=st.sampled_from([*Direction]),
        hops=st.sampled_from([None, 0, 1, 2, -1]),
        limit=st.sampled_from([None, 0, 1, 3]),
    )
    def walk(self, node: str, direction: Direction, hops: int | None, limit: int | None) -> None:
        self.both(lambda c: c.lineage(node, direction, hops=hops, limit=limit))

    @rule(
        text=st.sampled_from(NODE_FILTERS),
        order=st.sampled_from(["", "display_name desc", "update_time"]),
        kind=st.sampled_from([*NodeKind]),
    )
    def look_for_nodes(self, text: str, order: str, kind: NodeKind) -> None:
        self.both(lambda c: c.find_nodes(NodeQuery(kind, text, order, 2)))
        self.both(lambda c: c.find_nodes(NodeQuery(kind, text, order, None)))
        for one in (*NODES, *RUNS, *(e for e, _ in EXPERIMENTS), "nobody"):
            self.both(lambda c, one=one: c.members(one))  # type: ignore[misc]

    @rule()
    def compare(self) -> None:
        """Compare all that both tell of runs, experiments and nodes."""
        runs = [*RUNS, "nobody"]
        names = [
            "params.a",
            "metrics.loss",
            "metrics.loss.min",
            "tags.a",
            "state",
            "git.commit",
            "note",
        ]
        self.both(lambda c: c.get_runs(runs))
        self.both(lambda c: c.columns(runs, names))
        self.both(lambda c: {k: dict(sorted(v.items())) for k, v in _by_run(c.positions())})
        self.both(lambda c: dict(sorted(c.open_runs().items())))
        self.both(lambda c: dict(sorted(c.last_seen(runs).items())))
        self.both(lambda c: c.experiments(deleted=None))
        for name in ("churn", "new", "ex-b", "nothing"):
            self.both(lambda c, name=name: c.get_experiment(name))  # type: ignore[misc]
        kinds = ["alert", "classification", "file", "params"]
        for run in RUNS:
            self.both(lambda c, run=run: c.facts(run, kinds))  # type: ignore[misc]
        self.both(lambda c: c.get_nodes([*NODES, *RUNS, "nobody"]))
        self.both(lambda c: c.events(NODES))
        self._compare_changes()

    def _compare_changes(self) -> None:
        """Whatever is told of a run differs from before only if it was said to have changed."""
        told = self.catalog.changes(self.cursor)
        now = {run: repr(record) for run, record in self.catalog.get_runs(RUNS).items()}
        for run in {*now, *self.seen}:
            if now.get(run) != self.seen.get(run):
                assert run in told.runs, f"{run} changed, and nobody said so"
        self.cursor, self.seen = told.cursor, now


def _by_run(positions: dict[str | None, Any]) -> list[tuple[str | None, Any]]:
    return sorted(positions.items(), key=lambda pair: pair[0] or "")
