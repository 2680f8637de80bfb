"""An artifact: something that was made or used, and where its bytes are.

Signatures are Vertex's. What is ours beside them: an artifact whose ``uri`` is a ``blob:`` address
can be read, opened and fetched, and any artifact can be asked for what it came from and what it
became.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar, Self

from mendel.graph import clock
from mendel.graph.errors import CorruptError, InvalidError, NotFoundError
from mendel.graph.lineage import ArtifactState, Direction, NodeKind, Subgraph
from mendel.graph.values import shorten
from mendel.track import record
from mendel.track.node import GraphNode

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from enum import StrEnum
    from typing import Unpack

    from mendel.blobs.contract import Address
    from mendel.blobs.folder import FileEntry
    from mendel.graph.lineage import Node
    from mendel.track.execution import Execution
    from mendel.track.record import Elsewhere, Recorder


class Artifact(GraphNode):
    """An artifact of the lineage graph.

    ``Artifact("id or resource name")`` finds one (NotFoundError if there is none);
    `Artifact.create` makes one.
    """

    kind: ClassVar[NodeKind] = NodeKind.ARTIFACT
    noun: ClassVar[str] = "artifacts"
    states: ClassVar[type[StrEnum] | None] = ArtifactState
    State = ArtifactState

    def __init__(self, artifact_name: str, **elsewhere: Unpack[Elsewhere]) -> None:
        super().__init__(artifact_name, **elsewhere)

    @classmethod
    def create(
        cls,
        schema_title: str,
        *,
        resource_id: str | None = None,
        uri: str | None = None,
        display_name: str | None = None,
        schema_version: str | None = None,
        description: str | None = None,
        metadata: Mapping[str, object] | None = None,
        state: ArtifactState | str = ArtifactState.LIVE,
        **elsewhere: Unpack[Elsewhere],
    ) -> Self:
        """Make an artifact: in the active run's journal, else in the store's ledger.

        Args:
            schema_title: what kind of thing it is: one of `mendel.schema`, or your own.
            resource_id: its id, free of slashes; one is made if you give none.
            uri: where its bytes are: a path, ``s3://…``, ``blob:sha256/…``, anything.
            display_name: its name for people; the id if you give none.
            schema_version: of the schema; "0.0.1" if you give none.
            description: what it is for, in words.
            metadata: what is known of it; types are kept.
            state: LIVE, or PENDING while it is being made.
            elsewhere: Vertex's project, location, …; of no effect here.

        Raises:
            AlreadyExistsError: the resource_id is taken.
            WrongTypeError, InvalidError: an argument that cannot be kept; nothing was written.
        """
        record.ignore(elsewhere)
        return cls._make(
            schema_title,
            resource_id=resource_id,
            uri=uri,
            display_name=display_name,
            schema_version=schema_version,
            description=description,
            metadata=metadata,
            state=state,
        )

    @classmethod
    def get_with_uri(cls, uri: str, **elsewhere: Unpack[Elsewhere]) -> Self:
        """Return the artifact with a uri; of several the newest, with a warning.

        Raises:
            InvalidError: there is none (a ValueError, as Vertex's).
        """
        record.ignore(elsewhere)
        found = find_by_uri(uri)
        if not found:
            raise InvalidError(
                f"no artifact has the uri {shorten(uri)!r}. Artifact.list() tells what there is."
            )
        if len(found) > 1:
            warnings.warn(
                f"{len(found)} artifacts have the uri {shorten(uri)!r}; the newest is taken "
                f"({found[0].id}). Artifact.list(filter='uri=…') gives them all.",
                stacklevel=2,
            )
        return cls._of(found[0])

    # -- what it is --

    @property
    def uri(self) -> str | None:
        """Where its bytes are."""
        return self.node.uri

    @property
    def state(self) -> ArtifactState:
        """Whether it is there: LIVE or PENDING."""
        return ArtifactState(self.node.state or ArtifactState.STATE_UNSPECIFIED)

    @property
    def lineage_console_uri(self) -> str:
        """The address that opens it in the lineage graph (`mendel show` takes it too)."""
        return f"mendel:artifacts/{self.name}/lineage"

    @property
    def size(self) -> int | None:
        """Bytes of the file or of all files of the folder, where known."""
        size = self.node.metadata.get("size")
        return size if isinstance(size, int) else None

    # -- its bytes --

    @property
    def stored(self) -> bool:
        """Whether the store holds its bytes."""
        from mendel.blobs.contract import is_blob_uri, parse_uri

        uri = self.uri
        if uri is None or not is_blob_uri(uri):
            return False
        return self._store().blobs.find(parse_uri(uri).sha256) is not None

    def read_bytes(self) -> bytes:
        """Return the bytes of an artifact that is one file, checked against its hash.

        Raises:
            InvalidError: it is a folder, or its bytes are not on this machine.
            NotFoundError: its bytes are gone.
            CorruptError: its bytes are not what was logged (or used, where they were not copied).
        """
        from mendel.blobs.folder import find_file

        path = self._local_path()
        if path is not None and path.is_file():
            self._unchanged(path)
            return path.read_bytes()
        blobs = self._store().blobs
        return blobs.read(find_file(blobs, self._address()))

    def open(self, inner: str | None = None) -> BinaryIO:
        """Open the file, or the file ``inner`` of a folder, for reading bytes.

        Raises: as `read_bytes`.
        """
        from mendel.blobs.contract import Address
        from mendel.blobs.folder import find_file

        path = self._local_path()
        if path is not None:
            return (path / inner if inner else path).open("rb")
        blobs = self._store().blobs
        address = self._address()
        if inner is not None:
            address = Address(address.sha256, inner)
        return blobs.open(find_file(blobs, address))

    def files(self) -> Sequence[FileEntry]:
        """Return the files of a folder: path, SHA-256 and size of each.

        Raises:
            InvalidError: it is no folder in the store.
        """
        from mendel.blobs.folder import read_manifest

        address = self._address()
        if not address.folder:
            raise InvalidError(f"{self.display_name!r} is one file, not a folder.")
        return read_manifest(self._store().blobs, address.sha256).files

    def fetch(self, target: str | os.PathLike[str]) -> Path:
        """Copy the file or the folder to ``target``, checked, and return where it is.

        A file appears whole or not at all.

        Raises: as `read_bytes`; OSError: the target cannot be written.
        """
        from mendel.blobs.folder import fetch

        path = self._local_path()
        if path is None:
            return fetch(self._store().blobs, self._address(), Path(target))
        self._unchanged(path)
        return _copy(path, Path(target))

    def _local_path(self) -> Path | None:
        """Return the file that a reference names, if its bytes were not copied."""
        uri = self.uri or ""
        if not uri.startswith("file://"):
            return None
        from urllib.parse import unquote, urlsplit

        path = Path(unquote(urlsplit(uri).path))
        if not path.exists():
            raise NotFoundError(
                f"{path} is gone: the artifact {self.display_name!r} only refers to it. "
                "Log with copy=True to keep the bytes."
            )
        return path

    def _unchanged(self, path: Path) -> None:
        """Raise CorruptError where a file or folder that was not copied is no longer the same."""
        from mendel.track.source import refer

        was = self.node.metadata.get("sha256")
        if was is not None and refer(path).sha256 != was:
            raise CorruptError(
                f"{path} was changed since the artifact {self.display_name!r} was made of it. "
                "Log with copy=True to keep the bytes."
            )

    def _address(self) -> Address:
        from mendel.blobs.contract import is_blob_uri, parse_uri

        uri = self.uri
        if uri is None or not is_blob_uri(uri):
            raise InvalidError(
                f"the bytes of {self.display_name!r} are not in the store: its uri is {uri!r}. "
                "run.log_artifact(path) keeps them."
            )
        return parse_uri(uri)

    # -- its lineage --

    def lineage(
        self, direction: Direction | str = Direction.BOTH, hops: int | None = None
    ) -> Subgraph:
        """Return what it came from and what it became; see `lineage`."""
        return lineage(self, direction, hops)

    def producers(self) -> Sequence[Execution]:
        """Return the executions (runs among them) that made it."""
        return self._executions("OUTPUT")

    def consumers(self) -> Sequence[Execution]:
        """Return the executions (runs among them) that used it."""
        return self._executions("INPUT")

    def _executions(self, kind: str) -> Sequence[Execution]:
        from mendel.track.execution import Execution

        store = self._store()
        store.refresh()
        ids = [e.execution for e in store.catalog.events([self.name]) if e.kind == kind]
        nodes = store.catalog.get_nodes(ids)
        return [Execution._of(nodes[an_id]) for an_id in dict.fromkeys(ids) if an_id in nodes]


def _copy(path: Path, target: Path) -> Path:
    import shutil

    if path.is_dir():
        return Path(shutil.copytree(path, target, dirs_exist_ok=True))
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name[:100]}.{clock.new_id()}")
    try:
        shutil.copy(path, partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def find_by_uri(uri: str) -> Sequence[Node]:
    """Return the artifacts with a uri, newest first."""
    return Artifact._find(by_uri(uri), "create_time desc")


def by_uri(uri: str) -> str:
    """Return the filter that finds a uri."""
    quoted = uri.replace("\\", "\\\\").replace('"', '\\"')
    return f'uri="{quoted}"'


def lineage(
    node: GraphNode | str | Recorder,
    direction: Direction | str = Direction.BOTH,
    hops: int | None = None,
    *,
    limit: int | None = None,
) -> Subgraph:
    """Return the part of the graph that a node came from and went into: `Subgraph`.

    Args:
        node: an artifact, an execution, a run, or the id or resource name of one.
        direction: "upstream" (what made it), "downstream" (what it became), or "both".
        hops: steps from artifact to artifact; 0 is the node itself, None everything.
        limit: at most so many nodes, the nearest first; None: no limit.

    Raises:
        NotFoundError: no such node.
        InvalidError: hops is negative, or an unknown direction.
    """
    try:
        way = Direction(direction)
    except ValueError:
        known = ", ".join(Direction)
        raise InvalidError(f"{direction!r} is no direction; there are: {known}.") from None
    store = record.current_store()
    if isinstance(node, str):
        an_id = node.removesuffix("/lineage").rpartition("/")[2].rpartition(":")[2]
    else:
        an_id = node.name if isinstance(node, GraphNode) else node.id
    store.refresh()
    return store.catalog.lineage(an_id, way, hops=hops, limit=limit)
