"""Which blobs the graph refers to: the addresses in its artifacts, and what folders hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mendel.blobs.contract import addresses_in
from mendel.catalog.contract import NodeQuery
from mendel.graph.errors import CorruptError, MendelError
from mendel.graph.lineage import NodeKind
from mendel.graph.values import dumps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mendel.blobs.contract import Blobs
    from mendel.catalog.contract import Catalog
    from mendel.graph.lineage import Node

PAGE = 1000
MANIFEST_MOST = 64 << 20  # bytes: what is larger is no folder's manifest


@dataclass(frozen=True, slots=True)
class References:
    """Blobs that are referred to, and folders whose contents could not be read."""

    sha256s: frozenset[str]
    unread: tuple[str, ...]


def artifacts(catalog: Catalog) -> Iterator[Node]:
    """Yield every artifact of a catalog."""
    cursor: str | None = None
    while True:
        nodes, cursor = catalog.find_nodes(
            NodeQuery(NodeKind.ARTIFACT, limit=PAGE, cursor=cursor, order_by="create_time")
        )
        yield from nodes
        if cursor is None:
            return


def references(nodes: Iterable[Node], blobs: Blobs) -> References:
    """Return the blobs that artifacts refer to, those within folders included."""
    found: set[str] = set()
    folders: set[str] = set()
    for node in nodes:
        texts = [node.uri or ""]
        if node.metadata:
            texts.append(dumps(node.metadata))
        for text in texts:
            direct = set(addresses_in(text))
            found |= direct
            # an address may be of a folder, or of a file in one: the folder has to stay whole
            folders |= {sha for sha in direct if f"blob:sha256/{sha}/" in text}
    unread = []
    for sha in sorted(folders):
        try:
            found |= _inside(blobs, sha)
        except MendelError:
            unread.append(sha)
    return References(frozenset(found), tuple(unread))


def _inside(blobs: Blobs, sha256: str) -> set[str]:
    from mendel.blobs.folder import Manifest

    blob = blobs.find(sha256)
    if blob is None or blob.size > MANIFEST_MOST:
        raise CorruptError(f"the folder {sha256} has no manifest that can be read.")
    return {entry.sha256 for entry in Manifest.loads(blobs.read(sha256)).files}
