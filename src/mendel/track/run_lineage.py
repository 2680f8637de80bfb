"""A run's place in the lineage graph: what it used, what it made, and what it ran.

A run is an execution of the graph under its own id: `use` writes an INPUT event, `make` and
`log_artifact` an OUTPUT event, into the run's journal. Bytes go to the store's blobs, each stored
once; a file is copied and hashed as a stream on the caller's thread, so that when the call returns
it is safe. A disk that does not take them is told and noted, and training goes on.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from mendel.graph.errors import MendelError, NotFoundError, WrongTypeError
from mendel.graph.values import normal_items, shorten
from mendel.track.lazily import lazily
from mendel.track.naming import check_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from mendel.graph import lineage as graph
    from mendel.graph.lineage import Direction, Node, NodeKind, Subgraph
    from mendel.graph.values import Value
    from mendel.track import artifact as artifacts
    from mendel.track import classification, source
    from mendel.track import execution as executions
    from mendel.track.artifact import Artifact
    from mendel.track.execution import Execution
    from mendel.track.source import Content
    from mendel.track.store import Store
else:
    graph = lazily("mendel.graph.lineage")
    artifacts = lazily("mendel.track.artifact")
    classification = lazily("mendel.track.classification")
    executions = lazily("mendel.track.execution")
    source = lazily("mendel.track.source")


class RunLineageVerbs:
    """See the top of this file; a part of `mendel.track.run.ExperimentRun`."""

    id: str
    store: Store

    @property
    def writable(self) -> bool:
        """Whether it takes more of what happens."""
        raise NotImplementedError

    def fact(self, kind: str, body: dict[str, Value], *, time: float | None = None) -> None:
        """Write a record that is no point."""
        raise NotImplementedError

    def enduring(self, what: str) -> AbstractContextManager[None]:
        """Within, a disk that fails is told and noted, and stops nothing."""
        raise NotImplementedError

    # -- what it made --

    def log_artifact(
        self,
        local_path: Any,
        name: str | None = None,
        *,
        type: str | None = None,  # noqa: A002 - the word that fingers know
        metadata: Mapping[str, object] | None = None,
        description: str | None = None,
        copy: bool = True,
        artifact_path: str | None = None,
    ) -> Artifact:
        """Keep a file or a folder as something that the run made, and return its artifact.

        Args:
            local_path: a path; an address (``s3://…``), which is not copied; or an `Artifact`.
            name: what it is called; the file's name if you give none.
            type: "dataset", "model", "metrics", or any schema title of your own.
            metadata: what is known of it; its size and hash are added.
            description: what it is for, in words.
            copy: False leaves the bytes where they are and keeps their place, size and hash.
            artifact_path: MLflow's: a folder's name to put before the name.

        Raises:
            FileNotFoundError: there is nothing at that path.
            WrongTypeError, InvalidError: an argument that cannot be kept; nothing was written.
        """
        title, extra = _check(name, type, metadata, description)
        if artifact_path and not isinstance(local_path, artifacts.Artifact):
            last = name or source.name_of(local_path)
            name = check_name(f"{artifact_path.strip('/')}/{last}", "the artifact")
        artifact = self._made(local_path, name, title, extra, description, copy=copy)
        self._event(artifact, "OUTPUT")
        return artifact

    def make(
        self,
        thing: Any,
        name: str | None = None,
        *,
        type: str | None = None,  # noqa: A002 - the word that fingers know
        metadata: Mapping[str, object] | None = None,
        description: str | None = None,
        copy: bool = True,
    ) -> Artifact:
        """Say what the run made; the same as `log_artifact`, beside `use`."""
        return self.log_artifact(
            thing, name, type=type, metadata=metadata, description=description, copy=copy
        )

    def log_artifacts(
        self,
        local_dir: str | os.PathLike[str] | Iterable[Any],
        artifact_path: str | None = None,
        *,
        type: str | None = None,  # noqa: A002 - the word that fingers know
    ) -> Sequence[Artifact]:
        """Keep a folder (as one artifact), or several things, that the run made.

        Raises: as `log_artifact`.
        """
        if isinstance(local_dir, str | os.PathLike | artifacts.Artifact):
            return [self.log_artifact(local_dir, artifact_path, type=type)]
        return [self.log_artifact(one, type=type, artifact_path=artifact_path) for one in local_dir]

    def _made(
        self,
        thing: Any,
        name: str | None,
        title: str,
        extra: dict[str, Any],
        description: str | None,
        *,
        copy: bool,
    ) -> Artifact:
        if isinstance(thing, artifacts.Artifact):
            return thing
        if source.is_address(thing):
            return self._node(title, name, source.elsewhere(thing), extra, description)
        path = source.as_path(thing, "log_artifact")
        if copy:
            extra = {"source": str(path.absolute()), **extra}
        found = self._content(path, copy=copy)
        return self._node(title, name or path.name, found, extra, description)

    def _content(self, path: Path, *, copy: bool) -> Content | None:
        """Return the bytes' place; None where the disk did not take them (told already)."""
        if not copy:
            return source.refer(path)
        _readable(path)
        stored: Content | None = None
        with self.enduring(f"artifact {shorten(path.name, 60)!r}"):
            stored = source.store(self.store.blobs, path)
        return stored  # noqa: RET504 - a failure within `enduring` goes on here

    def _node(
        self,
        title: str,
        name: str | None,
        content: Content | None,
        metadata: Mapping[str, object],
        description: str | None,
        *,
        an_id: str | None = None,
    ) -> Artifact:
        return artifacts.Artifact._make(
            title,
            resource_id=None,
            an_id=an_id,
            display_name=name or (content.name if content else None),
            schema_version=None,
            description=description,
            metadata={**(content.metadata() if content else {}), **metadata},
            state=graph.ArtifactState.LIVE if content else graph.ArtifactState.PENDING,
            uri=content.uri if content else None,
            run=self,
        )

    # -- what it used --

    def use(
        self,
        thing: Any,
        name: str | None = None,
        *,
        type: str | None = None,  # noqa: A002 - the word that fingers know
        metadata: Mapping[str, object] | None = None,
        description: str | None = None,
        copy: bool = False,
    ) -> Artifact:
        """Say what the run uses, and return its artifact.

        A path's bytes are hashed. If an artifact with the same bytes is known, whoever made it,
        that one is used: so the graph knows that one run's output is another's input. Else a new
        artifact is made that refers to the path (``copy=True`` keeps the bytes too).

        Args:
            thing: a path, an `Artifact`, the id of one, or an address (``s3://…``).
            name: what a new artifact is called; the file's name if you give none.
            type: of a new artifact: "dataset", "model", or any schema title of your own.
            metadata: what is known of a new artifact; size and hash are added.
            description: what a new artifact is for, in words.
            copy: keep the bytes.

        Raises:
            FileNotFoundError: there is no such file, and no artifact of that id.
            WrongTypeError, InvalidError: an argument that cannot be kept; nothing was written.
        """
        title, extra = _check(name, type, metadata, description)
        artifact = self._used(thing, name, title, extra, description, copy=copy)
        self._event(artifact, "INPUT")
        return artifact

    def _used(
        self,
        thing: Any,
        name: str | None,
        title: str,
        extra: Mapping[str, object],
        description: str | None,
        *,
        copy: bool,
    ) -> Artifact:
        if isinstance(thing, artifacts.Artifact):
            return thing
        if source.is_address(thing):
            known = self._same(thing)
            if known:
                return known[0]
            return self._node(title, name, source.elsewhere(thing), extra, description)
        if isinstance(thing, str) and not os.path.exists(thing):  # noqa: PTH110 - may be an id
            return _by_id(thing)
        path = source.as_path(thing, "use")
        content = self._content(path, copy=copy)
        if content is None or content.sha256 is None:
            return self._node(title, name or path.name, content, extra, description)
        an_id = None if copy else source.id_of(content.sha256)
        return self._same_bytes(content, an_id) or self._node(
            title, name, content, extra, description, an_id=an_id
        )

    def _same_bytes(self, content: Content, an_id: str | None) -> Artifact | None:
        """Return the artifact whose bytes are the same: one in the store first."""
        tail = "/" if content.files is not None else ""
        uris = [f"blob:sha256/{content.sha256}{tail}", content.uri]
        for artifact in self._same(*uris, an_id=an_id):
            if artifact.metadata.get("sha256", content.sha256) == content.sha256:
                return artifact
        return None

    def _same(self, *uris: str, an_id: str | None = None) -> Sequence[Artifact]:
        """Return the live artifacts of some uris, newest first, then that of an id.

        The catalog is asked as it is, with what is being written now: a whole refresh might take
        training's time. Where it cannot be asked the graph lacks an edge, and training goes on.
        """
        from mendel.catalog.contract import NodeQuery

        try:
            self.store.intake.catch_up()
            catalog = self.store.catalog
            found: list[Node] = []
            for uri in uris:
                query = NodeQuery(
                    graph.NodeKind.ARTIFACT, artifacts.by_uri(uri), "create_time desc", limit=None
                )
                found += catalog.find_nodes(query)[0]
            found += catalog.get_nodes([an_id] if an_id else []).values()
        except (MendelError, OSError, ImportError):
            return []
        return [
            artifacts.Artifact._of(node) for node in found if node.state == graph.ArtifactState.LIVE
        ]

    # -- what it ran --

    def associate_execution(self, execution: Execution) -> None:
        """Attach an execution to the run.

        Raises:
            WrongTypeError: it is none.
        """
        if not isinstance(execution, executions.Execution):
            raise WrongTypeError(f"expected an Execution, not {type(execution).__name__}.")
        execution._run = self
        self.fact("member", {"context": self.id, "nodes": [execution.name]})

    def _event(self, artifact: Artifact, kind: str) -> None:
        self.fact("event", {"execution": self.id, "artifact": artifact.name, "kind": kind})

    # -- reading back --

    def get_artifacts(self) -> Sequence[Artifact]:
        """Return all artifacts of the run, oldest first: used, made, or attached to it."""
        return [artifacts.Artifact._of(node) for node in self._members(graph.NodeKind.ARTIFACT)]

    def get_executions(self) -> Sequence[Execution]:
        """Return the executions that are attached to the run, oldest first."""
        return [executions.Execution._of(node) for node in self._members(graph.NodeKind.EXECUTION)]

    def get_experiment_models(self) -> Sequence[Artifact]:
        """Return the models among its artifacts that `log_model` made."""
        return [a for a in self.get_artifacts() if a.schema_title == "google.ExperimentModel"]

    def inputs(self) -> Sequence[Artifact]:
        """Return what the run itself used, in order."""
        return executions.Execution(self.id).get_input_artifacts()

    def outputs(self) -> Sequence[Artifact]:
        """Return what the run itself made, in order."""
        return executions.Execution(self.id).get_output_artifacts()

    def lineage(self, direction: Direction | str = "both", hops: int | None = None) -> Subgraph:
        """Return what the run came from and what became of it; see `mendel.lineage`."""
        return artifacts.lineage(self, direction, hops)

    def _members(self, kind: NodeKind) -> Sequence[Node]:
        self.store.refresh()  # of other runs and the ledger too: they may have made what is here
        catalog = self.store.catalog
        nodes = catalog.get_nodes([n for n in catalog.members(self.id)[0] if n != self.id])
        found = [node for node in nodes.values() if node.kind is kind]
        return sorted(found, key=lambda node: (node.created, node.id))

    # -- classification --

    def log_classification_metrics(
        self,
        *,
        labels: Any = None,
        matrix: Any = None,
        fpr: Any = None,
        tpr: Any = None,
        threshold: Any = None,
        display_name: str | None = None,
    ) -> Artifact:
        """Log a confusion matrix, a ROC curve, or both, and return their artifact.

        Args:
            labels: the classes, in the order of the matrix. With ``matrix``.
            matrix: counts by true class (rows) and predicted class (columns): square.
            fpr: false positive rates, 0 … 1. With ``tpr`` and ``threshold``, of one length.
            tpr: true positive rates (recall), 0 … 1.
            threshold: thresholds; infinite ones, as scikit-learn's first, are kept.
            display_name: what it is called; several may be logged.

        Raises:
            InvalidError (a ValueError), WrongTypeError (a TypeError): what does not fit, and
                where; nothing was logged.
        """
        body = classification.checked(
            labels=labels, matrix=matrix, fpr=fpr, tpr=tpr, threshold=threshold
        )
        name = check_name(display_name or "metrics", "classification metrics")
        artifact = artifacts.Artifact._make(
            "google.ClassificationMetrics",
            resource_id=None,
            display_name=name,
            schema_version=None,
            description=None,
            metadata=classification.artifact_metadata(body),
            state=graph.ArtifactState.LIVE,
            run=self,
        )
        self._event(artifact, "OUTPUT")
        told: Any = {"id": artifact.name, "display_name": display_name or name, **body}
        self.fact("classification", told)
        return artifact

    def get_classification_metrics(self) -> Sequence[dict[str, Any]]:
        """Return what `log_classification_metrics` logged, in order.

        Each is a dict of id, display_name, labels, matrix, fpr, tpr and threshold; None stands for
        what was not logged.
        """
        self.store.refresh([self.id])
        keys = ("id", "display_name", "labels", "matrix", "fpr", "tpr", "threshold")
        facts = self.store.catalog.facts(self.id, ["classification"])
        return [{key: fact.get(key) for key in keys} for fact in facts]


def _check(
    name: str | None,
    word: str | None,
    metadata: Mapping[str, object] | None,
    description: str | None,
) -> tuple[str, dict[str, Any]]:
    if name is not None:
        check_name(name, "the artifact")
    if description is not None and not isinstance(description, str):
        raise WrongTypeError(f"description must be text, not {type(description).__name__}.")
    return source.schema_title(word), dict(normal_items(metadata or {}, "metadata field"))


def _by_id(text: str) -> Artifact:
    try:
        return executions.as_artifact(text)
    except NotFoundError as error:
        raise FileNotFoundError(
            f"there is no file or folder {shorten(text, 300)!r}, and no artifact of that id."
        ) from error


def _readable(path: Path) -> None:
    """Raise the OSError of a source that cannot be read, before the store is blamed."""
    if path.is_dir():
        os.scandir(path).close()
    else:
        path.open("rb").close()
