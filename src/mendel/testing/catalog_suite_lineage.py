"""The part of the catalogs' suite that is about artifacts, executions, contexts and events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mendel.catalog.contract import NodeQuery, RunQuery
from mendel.graph.errors import ConflictError, InvalidError, NotFoundError, QueryError
from mendel.graph.lineage import Direction, EventKind, NodeKind
from mendel.testing.catalog_case import RUN, CatalogCase, begin, decision, take

if TYPE_CHECKING:
    from mendel.catalog.contract import Catalog
    from mendel.graph.lineage import Subgraph
    from mendel.testing.catalog_journals import PaperJournals, PaperWriter


def _artifact(pen: PaperWriter, an_id: str, time: float, **more: Any) -> PaperWriter:
    body = {"id": an_id, "schema_title": "system.Artifact", "display_name": an_id, **more}
    return pen.fact("artifact", body, time)


def _event(pen: PaperWriter, execution: str, artifact: str, kind: str, time: float) -> PaperWriter:
    return pen.fact("event", {"execution": execution, "artifact": artifact, "kind": kind}, time)


def _ids(graph: Subgraph) -> tuple[list[str], list[str], int]:
    return [n.id for n in graph.artifacts], [n.id for n in graph.executions], len(graph.events)


class LineageSuite(CatalogCase):
    """Nodes are merged, found, walked through; a run is an execution."""

    @pytest.fixture
    def pen(self, journals: PaperJournals) -> PaperWriter:
        return begin(journals)

    @pytest.fixture
    def chain(self, catalog: Catalog, pen: PaperWriter) -> Catalog:
        """From raw to clean (by prepare) to model (by the run) to report (by evaluate)."""
        for time, an_id in enumerate(("raw", "clean", "model", "report")):
            schema = "system.Dataset" if time < 2 else "system.Model"
            _artifact(pen, an_id, 2.0 + time, schema_title=schema, uri=f"s3://{an_id}")
        for an_id in ("prepare", "evaluate"):
            pen.fact("execution", {"id": an_id, "schema_title": "system.Execution"}, 6.0)
        steps = (
            ("prepare", "raw", "clean"),
            (RUN, "clean", "model"),
            ("evaluate", "model", "report"),
        )
        for time, (execution, before, after) in enumerate(steps):
            _event(pen, execution, before, "INPUT", 7.0 + time)
            _event(pen, execution, after, "OUTPUT", 7.5 + time)
        take(catalog, pen)
        return catalog

    def test_facts_about_a_node_are_merged(self, catalog: Catalog, pen: PaperWriter) -> None:
        _artifact(pen, "a", 5.0, metadata={"rows": 2, "x": 1}, state="LIVE", create=True)
        _artifact(pen, "a", 3.0, metadata={"rows": 1, "y": 2}, uri="s3://old", state="PENDING")
        take(catalog, pen)
        node = catalog.get_nodes(["a", "nobody"])["a"]
        assert node.metadata == {"rows": 2, "x": 1, "y": 2}
        assert (node.state, node.uri, node.created, node.updated) == ("LIVE", "s3://old", 5.0, 5.0)
        assert (node.kind, node.run) == (NodeKind.ARTIFACT, RUN)

    def test_a_run_is_an_execution(self, chain: Catalog) -> None:
        node = chain.get_nodes([RUN])[RUN]
        assert (node.kind, node.schema_title) == (NodeKind.EXECUTION, "system.Run")
        assert (node.display_name, node.state) == ("first", "RUNNING")
        assert chain.find_nodes(NodeQuery(NodeKind.EXECUTION))[0][0].id != RUN

    def test_lineage_goes_up_down_and_both_ways(self, chain: Catalog) -> None:
        up = chain.lineage("model", Direction.UPSTREAM)
        assert _ids(up) == (["model", "clean", "raw"], [RUN, "prepare"], 4)
        down = chain.lineage("model", Direction.DOWNSTREAM)
        assert _ids(down) == (["model", "report"], ["evaluate"], 2)
        both = chain.lineage("model", Direction.BOTH)
        assert set(_ids(both)[0]) == {"raw", "clean", "model", "report"}
        assert [e.time for e in both.events] == sorted(e.time for e in both.events)

    def test_hops_and_limits_bound_it(self, chain: Catalog) -> None:
        assert _ids(chain.lineage("model", Direction.BOTH, hops=0)) == (["model"], [], 0)
        one = chain.lineage("model", Direction.UPSTREAM, hops=1)
        assert _ids(one) == (["model", "clean"], [RUN], 2)
        assert _ids(chain.lineage(RUN, Direction.UPSTREAM, hops=0)) == (["clean"], [RUN], 1)
        few = chain.lineage("raw", Direction.DOWNSTREAM, limit=3)
        assert _ids(few) == (["raw", "clean"], ["prepare"], 2)
        assert _ids(chain.lineage("raw", Direction.DOWNSTREAM, limit=0)) == ([], [], 0)
        with pytest.raises(NotFoundError, match="nobody"):
            chain.lineage("nobody", Direction.BOTH)
        for wrong in ({"hops": -1}, {"limit": -1}):
            with pytest.raises(InvalidError):
                chain.lineage("raw", Direction.BOTH, **wrong)

    def test_circles_end(self, catalog: Catalog, pen: PaperWriter) -> None:
        _artifact(pen, "a", 2.0)
        _event(pen, RUN, "a", "INPUT", 3.0)
        _event(pen, RUN, "a", "OUTPUT", 4.0)
        take(catalog, pen)
        assert _ids(catalog.lineage("a", Direction.DOWNSTREAM)) == (["a"], [RUN], 2)

    def test_an_event_told_again_replaces_itself(self, chain: Catalog, pen: PaperWriter) -> None:
        again: dict[str, Any] = {"execution": RUN, "artifact": "clean", "kind": "INPUT"}
        take(chain, pen.fact("event", again | {"labels": {"split": "train"}}, 20.0))
        [event] = [e for e in chain.events([RUN]) if e.kind is EventKind.INPUT]
        assert (event.time, event.labels) == (20.0, {"split": "train"})
        assert [e.artifact for e in chain.events(["raw", "nobody"])] == ["raw"]

    def test_runs_are_found_by_their_lineage(self, chain: Catalog, pen: PaperWriter) -> None:
        assert chain.find_runs(RunQuery("dataset:clean")).ids == (RUN,)
        assert chain.find_runs(RunQuery("dataset:model")).ids == ()
        assert chain.find_runs(RunQuery("output:s3*model")).ids == (RUN,)
        take(chain, _artifact(pen, "clean", 30.0, display_name="cleaned"))
        assert chain.find_runs(RunQuery("input:cleaned")).ids == (RUN,)

    def test_contexts_hold_nodes_and_contexts(self, chain: Catalog, pen: PaperWriter) -> None:
        pen.fact("context", {"id": "study", "schema_title": "system.Study"}, 12.0)
        pen.fact("context", {"id": "trial", "parents": ["study"]}, 12.0)
        pen.fact("member", {"context": "study", "nodes": ["raw"], "children": ["other"]}, 13.0)
        take(chain, pen)
        assert chain.members("study") == (("raw",), ("other", "trial"), ())
        assert chain.members("trial") == ((), (), ("study",))
        nodes, _, parents = chain.members(RUN)
        assert {"clean", "model"} <= set(nodes)
        assert parents == ("id-of-churn",)
        assert chain.members("id-of-churn") == ((), (RUN,), ())
        for nobody in ("nobody", "raw"):
            with pytest.raises(NotFoundError):
                chain.members(nobody)
        found, _ = chain.find_nodes(NodeQuery(NodeKind.ARTIFACT, 'in_context("study")'))
        assert [n.id for n in found] == ["raw"]

    def test_nodes_are_found_sorted_and_paged(self, chain: Catalog) -> None:
        query = NodeQuery(NodeKind.ARTIFACT, 'schema_title = "system.Dataset"')
        assert [n.id for n in chain.find_nodes(query)[0]] == ["clean", "raw"]
        query = NodeQuery(NodeKind.ARTIFACT, 'uri = "s3://model"')
        assert [n.id for n in chain.find_nodes(query)[0]] == ["model"]
        page, cursor = chain.find_nodes(
            NodeQuery(NodeKind.ARTIFACT, order_by="display_name", limit=3)
        )
        assert [n.id for n in page] == ["clean", "model", "raw"]
        rest, end = chain.find_nodes(
            NodeQuery(NodeKind.ARTIFACT, order_by="display_name", limit=3, cursor=cursor)
        )
        assert ([n.id for n in rest], end) == (["report"], None)
        with pytest.raises(QueryError):
            chain.find_nodes(NodeQuery(NodeKind.ARTIFACT, "colour = 3"))
        for wrong in (
            NodeQuery(NodeKind.ARTIFACT, cursor="x"),
            NodeQuery(NodeKind.ARTIFACT, limit=-1),
        ):
            with pytest.raises(InvalidError):
                chain.find_nodes(wrong)
        with pytest.raises(InvalidError):
            chain.find_nodes(NodeQuery(NodeKind.ARTIFACT, 'uri = "x"', cursor=cursor))

    def test_people_change_nodes_and_stale_ones_are_told(self, chain: Catalog) -> None:
        before = chain.get_nodes(["raw"])["raw"]
        chain.decide(
            [decision("update_node", "raw", metadata={"rows": 3}, etag=before.etag, time=50.0)]
        )
        after = chain.get_nodes(["raw"])["raw"]
        assert (after.metadata, after.updated) == ({"rows": 3}, 50.0)
        assert after.etag != before.etag
        with pytest.raises(ConflictError):
            chain.decide([decision("update_node", "raw", state="LIVE", etag=before.etag)])
        for target in ("nobody", RUN):
            with pytest.raises(NotFoundError):
                chain.decide([decision("update_node", target, state="LIVE")])

    def test_a_deleted_node_takes_its_events_with_it(
        self, chain: Catalog, pen: PaperWriter
    ) -> None:
        chain.decide([decision("delete_node", "clean", time=50.0)])
        assert chain.get_nodes(["clean"]) == {}
        assert _ids(chain.lineage("raw", Direction.DOWNSTREAM)) == (["raw"], ["prepare"], 1)
        assert chain.find_runs(RunQuery("input:clean")).ids == ()
        take(chain, _artifact(pen, "clean", 40.0))
        assert chain.get_nodes(["clean"]) == {}
        take(chain, _artifact(pen, "clean", 60.0))
        assert chain.get_nodes(["clean"])["clean"].created == 60.0

    def test_what_a_purged_run_made_stays(self, chain: Catalog) -> None:
        chain.decide([decision("purge_run")])
        assert chain.get_nodes(["model", RUN]).keys() == {"model"}
        assert _ids(chain.lineage("raw", Direction.DOWNSTREAM))[0] == ["raw", "clean"]
