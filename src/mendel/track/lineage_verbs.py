"""The module's verbs for what a run shows, uses and makes: they write to the active run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mendel.track.verbs import needed_run

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from mendel.track.artifact import Artifact


def log_artifact(local_path: Any, name: str | None = None, **more: Any) -> Artifact:
    """Keep a file or a folder that the active run made; see `ExperimentRun.log_artifact`."""
    return needed_run("log_artifact").log_artifact(local_path, name, **more)


def log_artifacts(
    local_dir: str | os.PathLike[str] | Iterable[Any],
    artifact_path: str | None = None,
    **more: Any,
) -> Sequence[Artifact]:
    """Keep a folder, or several things, that the active run made."""
    return needed_run("log_artifacts").log_artifacts(local_dir, artifact_path, **more)


def use(thing: Any, name: str | None = None, **more: Any) -> Artifact:
    """Say what the active run uses; see `ExperimentRun.use`."""
    return needed_run("use").use(thing, name, **more)


def make(thing: Any, name: str | None = None, **more: Any) -> Artifact:
    """Say what the active run made; see `ExperimentRun.make`."""
    return needed_run("make").make(thing, name, **more)


def log_text(text: str, name: str, **more: Any) -> None:
    """Show text in the active run; see `ExperimentRun.log_text`."""
    needed_run("log_text").log_text(text, name, **more)


def log_html(html: str, name: str, **more: Any) -> None:
    """Show a page of HTML in the active run."""
    needed_run("log_html").log_html(html, name, **more)


def log_dict(dictionary: Any, name: str, **more: Any) -> None:
    """Show a dict or a list in the active run; see `ExperimentRun.log_dict`."""
    needed_run("log_dict").log_dict(dictionary, name, **more)


def log_image(image: Any, name: str | None = None, **more: Any) -> None:
    """Show an image in the active run; see `ExperimentRun.log_image`."""
    needed_run("log_image").log_image(image, name, **more)


def log_figure(figure: Any, name: str, **more: Any) -> None:
    """Show a figure of matplotlib or Plotly in the active run; see `ExperimentRun.log_figure`."""
    needed_run("log_figure").log_figure(figure, name, **more)


def log_table(data: Any, name: str, **more: Any) -> None:
    """Show a table in the active run; see `ExperimentRun.log_table`."""
    needed_run("log_table").log_table(data, name, **more)


def log_histogram(values: Any = None, name: str | None = None, **more: Any) -> None:
    """Show how values are spread in the active run; see `ExperimentRun.log_histogram`."""
    needed_run("log_histogram").log_histogram(values, name, **more)


def log_classification_metrics(
    *,
    labels: Any = None,
    matrix: Any = None,
    fpr: Any = None,
    tpr: Any = None,
    threshold: Any = None,
    display_name: str | None = None,
) -> Artifact:
    """Log a confusion matrix, a ROC curve, or both; see the method of `ExperimentRun`.

    Raises:
        InvalidError (a ValueError), WrongTypeError (a TypeError): what does not fit.
    """
    return needed_run("log_classification_metrics").log_classification_metrics(
        labels=labels,
        matrix=matrix,
        fpr=fpr,
        tpr=tpr,
        threshold=threshold,
        display_name=display_name,
    )
