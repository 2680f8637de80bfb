"""A run's params and summary metrics as a person holds them: by attribute or by item, nested.

run.config.lr = 0.1
run.config["model"] = {"layers": [64, 64]}
run.config.model.dropout = 0.5
run.config.update(args)          # a dict, argparse's namespace, a dataclass, a pydantic model
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, NoReturn

from mendel.graph.errors import InvalidError, WrongTypeError, did_you_mean
from mendel.graph.values import normal, normal_items

if TYPE_CHECKING:
    from collections.abc import Callable

    from mendel.graph.values import Value


class Tree(MutableMapping[str, Any]):
    """A dict of values that writes down each change; nested dicts come as trees of their own.

    ``keep`` is called with the top-level keys that changed and their new values.
    """

    __slots__ = ("_data", "_keep", "_what")

    def __init__(
        self, data: dict[str, Value], keep: Callable[[dict[str, Value]], None], what: str
    ) -> None:
        object.__setattr__(self, "_data", data)
        object.__setattr__(self, "_keep", keep)
        object.__setattr__(self, "_what", what)

    def __getitem__(self, key: str) -> Any:
        return self._wrap(key, self._data[key])

    def _wrap(self, key: str, value: Value) -> Any:
        if isinstance(value, dict):
            data = self._data
            return Tree(value, lambda _changed: self._keep({key: data[key]}), self._what)
        return copy.copy(value) if isinstance(value, list) else value

    def __setitem__(self, key: str, value: object) -> None:
        self.update({key: value})

    def __delitem__(self, key: str) -> NoReturn:
        raise InvalidError(
            f"a {self._what} that was logged stays on record; set {key!r} to None instead."
        )

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._data))

    def __len__(self) -> int:
        return len(self._data)

    def __getattr__(self, key: str) -> Any:
        if key.startswith("__"):
            raise AttributeError(key)
        try:
            return self[key]
        except KeyError:
            raise AttributeError(
                f"no {self._what} {key!r}{did_you_mean(key, self._data)}"
            ) from None

    def __setattr__(self, key: str, value: object) -> None:
        self[key] = value

    def __delattr__(self, key: str) -> None:
        del self[key]

    def __repr__(self) -> str:
        return f"{self._what}s {self._data!r}"

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(key for key in self._data if key.isidentifier())]

    def update(self, *others: Any, **more: Any) -> None:
        """Set many at once: from dicts, namespaces, dataclasses, models, pairs, keywords.

        Raises:
            WrongTypeError: a value, or what it stands in, cannot be kept; then nothing was set.
        """
        changed: dict[str, Value] = {}
        for other in (*others, more):
            changed.update(normal_items(as_mapping(other, self._what), self._what))
        self._data.update(changed)
        if changed:
            self._keep(changed)

    def to_dict(self) -> dict[str, Value]:
        """Return a copy in plain Python: nested dicts and lists."""
        return copy.deepcopy(self._data)


def as_mapping(source: Any, what: str) -> Mapping[str, Any]:
    """Return the params that an object holds, as a mapping.

    Raises:
        WrongTypeError: it is nothing that holds params.
    """
    for way in (_of_mapping, _of_class, _of_pairs):
        found = way(source, what)
        if found is not None:
            return found
    raise WrongTypeError(
        f"{what}s cannot be read from {type(source).__name__}. Give a dict, argparse's namespace, "
        "a dataclass, a pydantic model, or keywords."
    )


def _of_mapping(source: Any, _what: str) -> Mapping[str, Any] | None:
    if isinstance(source, Mapping):
        return source
    if hasattr(source, "keys") and hasattr(source, "__getitem__"):  # OmegaConf and its like
        return {key: source[key] for key in source.keys()}  # noqa: SIM118
    return None


def _of_class(source: Any, what: str) -> Mapping[str, Any] | None:
    if isinstance(source, type):
        return None
    if hasattr(source, "__dataclass_fields__"):
        return {name: _held(getattr(source, name), what) for name in source.__dataclass_fields__}
    for way in ("model_dump", "_asdict"):  # pydantic, named tuples
        method = getattr(source, way, None)
        if callable(method):
            return dict(method())
    return dict(vars(source)) if type(source).__name__ == "Namespace" else None


def _of_pairs(source: Any, _what: str) -> Mapping[str, Any] | None:
    if isinstance(source, list | tuple) and all(_is_pair(item) for item in source):
        return dict(source)
    return None


def _held(value: Any, what: str) -> Any:
    if hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        return dict(as_mapping(value, what))
    return value


def _is_pair(item: object) -> bool:
    return isinstance(item, list | tuple) and len(item) == 2 and isinstance(item[0], str)


def checked(items: Any, what: str) -> dict[str, Value]:
    """Return params, metrics or tags in their plain form, all or nothing.

    Raises:
        WrongTypeError, InvalidError: see `mendel.graph.values.normal_items`.
    """
    return normal_items(as_mapping(items, what), what)


def one(key: object, value: object, what: str) -> dict[str, Value]:
    """Return one named value as a dict.

    Raises:
        WrongTypeError, InvalidError: as `checked`.
    """
    return normal_items({key: normal(value, f"{what} {key!r}")}, what)  # type: ignore[dict-item]
