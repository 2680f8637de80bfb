"""Runs a function as a run: its arguments are params, what it returns may be metrics.

@mendel.tracked
def train(lr=0.1, layers=(64, 64)):
    ...
    return {"auc": auc}
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from mendel.graph.errors import MendelError
from mendel.graph.values import Value, normal
from mendel.track import session
from mendel.track.start import start_run

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")


@overload
def tracked(fn: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def tracked(
    fn: str | None = None,
    /,
    *,
    nested: bool | None = None,
    log_arguments: bool = True,
    log_result: bool = True,
    **more: Any,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def tracked(
    fn: Any = None,
    /,
    *,
    nested: bool | None = None,
    log_arguments: bool = True,
    log_result: bool = True,
    **more: Any,
) -> Any:
    """Make each call of a function a run.

    Args:
        fn: the function, or the name of the runs (the function's name by default).
        nested: within an active run, be its child; by default so.
        log_arguments: log the arguments as params; those of types that are no values by their type.
        log_result: where it returns a dict of numbers and texts, log them as summary metrics.
        more: as `mendel.start_run` takes it: experiment, group, tags, ….

    The run is FAILED if the function raises, and the exception goes on. An ``async def`` works too.
    """
    if callable(fn):
        name, function = None, fn
    else:
        name, function = fn, None

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        return _wrap(
            function,
            name,
            nested=nested,
            log_arguments=log_arguments,
            log_result=log_result,
            more=more,
        )

    return wrap if function is None else wrap(function)


def _wrap(
    fn: Callable[..., Any],
    name: str | None,
    *,
    nested: bool | None,
    log_arguments: bool,
    log_result: bool,
    more: dict[str, Any],
) -> Callable[..., Any]:
    signature = inspect.signature(fn)

    def begin(args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        within = session.active_run() is not None if nested is None else nested
        run = start_run(name or fn.__name__, nested=within, **more)
        if log_arguments:
            bound = signature.bind(*args, **named)
            bound.apply_defaults()
            run.log_params(
                {key: _kept(value) for key, value in bound.arguments.items() if key != "self"}
            )
        return run

    def end(run: Any, result: Any) -> None:
        if log_result and isinstance(result, dict):
            try:
                run.log_metrics(result)
            except MendelError:
                return  # what it returns is its own affair

    if inspect.iscoroutinefunction(fn):

        @functools.wraps(fn)
        async def around(*args: Any, **named: Any) -> Any:
            signature.bind(*args, **named)
            with begin(args, named) as run:
                result = await fn(*args, **named)
                end(run, result)
                return result

        return around

    @functools.wraps(fn)
    def call(*args: Any, **named: Any) -> Any:
        signature.bind(*args, **named)  # a wrong call is no run
        with begin(args, named) as run:
            result = fn(*args, **named)
            end(run, result)
            return result

    return call


def _kept(value: Any) -> Value:
    """Return an argument as a value; a data frame or a model by what it is."""
    try:
        return normal(value)
    except MendelError:
        shape = getattr(value, "shape", None)
        return f"<{type(value).__name__}{f' {tuple(shape)}' if shape is not None else ''}>"
