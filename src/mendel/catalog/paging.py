"""Pages of a list: a cursor is the id of the last item shown, and what the query was about."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, TypeVar

from mendel.graph.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Item = TypeVar("Item")


def page(
    found: Sequence[Item],
    limit: int | None,
    cursor: str | None,
    id_of: Callable[[Item], str],
    about: Any,
) -> tuple[list[Item], str | None]:
    """Return a page of items, and the cursor of the next one: the id of this one's last."""
    if limit is not None and limit < 0:
        raise InvalidError(f"limit is {limit}; give 0 or more, or None for all.")
    mark = json.dumps(about)
    start = 0
    if cursor is not None:
        last = _read_cursor(cursor, mark)
        ids = [id_of(item) for item in found]
        start = ids.index(last) + 1 if last in ids else len(ids)
    stop = len(found) if limit is None else start + limit
    page = list(found[start:stop])
    more = bool(page) and stop < len(found)
    text = json.dumps([mark, id_of(page[-1])]) if more else ""
    return page, base64.urlsafe_b64encode(text.encode()).decode() or None


def _read_cursor(cursor: str, mark: str) -> str:
    try:
        about, last = json.loads(base64.urlsafe_b64decode(cursor))
    except (ValueError, binascii.Error):
        raise InvalidError(f"{cursor!r} is no cursor; give that of the page before.") from None
    if about != mark:
        raise InvalidError("the cursor belongs to another query; give that of the page before.")
    return str(last)
