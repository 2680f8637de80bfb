"""How values are ordered and grouped, one value at a time: what every catalog keeps to.

Ascending and descending alike, numbers come first (bools count as 0 and 1), then datetimes, then
texts by code point, then lists and dicts (all equal), and last what is missing, None or NaN. The
direction turns each kind by itself. Ties keep the order that they came in.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from mendel.graph.query_tree import OrderTerm, is_present
from mendel.graph.values import MISSING, Missing, Value, dumps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mendel.graph.query_tree import Order

Item = TypeVar("Item")

NUMBERS, TIMES, TEXTS, OTHERS, NOTHING = range(5)


def sort_kind(value: object) -> int:
    """Return which of the five kinds a value sorts with."""
    if not is_present(value):
        return NOTHING
    if isinstance(value, int | float):
        return NUMBERS
    if isinstance(value, str):
        return TEXTS
    return TIMES if isinstance(value, datetime) else OTHERS


def sort_value(value: Any) -> Any:
    """Return what a value is compared by within its kind."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return value if sort_kind(value) in {NUMBERS, TEXTS} else 0


def sort_items(
    items: Iterable[Item], order: Order, get: Callable[[Item, str], Value | Missing]
) -> list[Item]:
    """Return items in an order; ``get`` gives an item's value of a field. Ties stay as they are."""
    out = list(items)
    for term in reversed(order):
        kinds: list[list[tuple[Any, Item]]] = [[] for _ in range(5)]
        for item in out:
            value = get(item, term.field)
            kinds[sort_kind(value)].append((sort_value(value), item))
        for kind in kinds:
            kind.sort(key=lambda pair: pair[0], reverse=term.descending)
        out = [item for kind in kinds for _, item in kind]
    return out


def group_key(value: Value | Missing) -> tuple[str, object]:
    """Return what two values have in common when they belong to one group.

    Numbers belong together when they are equal (1 and 1.0), bools apart from them; NaN is a group,
    None is one, and so is having no value.
    """
    if value is MISSING:
        return "missing", 0
    if isinstance(value, bool):
        return "bool", value
    if isinstance(value, int | float):
        return ("number", value) if is_present(value) else ("nan", 0)
    if isinstance(value, str):
        return "text", value
    return "other", dumps(value)  # type: ignore[arg-type]


def group_value(values: Sequence[Value | Missing]) -> Value | Missing:
    """Return the value that a group is shown by: of equal numbers an int before a float."""
    return next((v for v in values if isinstance(v, int)), values[0])


def group_items(
    items: Iterable[Item], by: Sequence[str], get: Callable[[Item, str], Value | Missing]
) -> list[tuple[tuple[Value | Missing, ...], list[Item]]]:
    """Return the groups of items: the values of each, and its members as they came.

    The largest group comes first; of equally large ones the one whose values sort first.
    """
    members: dict[tuple[object, ...], list[tuple[tuple[Value | Missing, ...], Item]]] = {}
    for item in items:
        values = tuple(get(item, name) for name in by)
        members.setdefault(tuple(map(group_key, values)), []).append((values, item))
    groups = [
        (tuple(map(group_value, zip(*(v for v, _ in some), strict=True))), [i for _, i in some])
        for some in members.values()
    ]
    return sort_groups(groups, [len(some) for _, some in groups], [v for v, _ in groups])


def sort_groups(
    groups: Sequence[Item], counts: Sequence[int], values: Sequence[Sequence[Value | Missing]]
) -> list[Item]:
    """Return groups in order: the largest first, of equally large ones the smaller values first."""
    width = len(values[0]) if values else 0
    order = tuple(OrderTerm(str(i)) for i in range(width))
    # values that sort alike (missing, None, NaN, lists) are told apart by their keys
    places = sorted(range(len(groups)), key=lambda i: [str(group_key(v)) for v in values[i]])
    places = sort_items(places, order, lambda i, name: values[i][int(name)])
    places.sort(key=lambda i: -counts[i])
    return [groups[i] for i in places]


def as_number(value: object) -> float | None:
    """Return a value as aggregates take it: numbers and bools that are not NaN, else None."""
    if not isinstance(value, int | float) or not is_present(value):
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
