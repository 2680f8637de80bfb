"""What a run shows comes back as it was logged, and never stops training."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import mendel
from mendel.graph.errors import (
    InvalidError,
    MendelError,
    NotFoundError,
    StoreError,
    WrongTypeError,
)
from mendel.track import session
from mendel.track.media import Histogram, histogram
from mendel.track.notice import MendelWarning

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mendel.track.run import ExperimentRun

mpl.use("Agg")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ExperimentRun]:
    monkeypatch.setenv("MENDEL_QUIET", "1")
    store = session.use_store(tmp_path / "store")
    mendel.init(capture=False)
    yield mendel.start_run("shows", experiment="media")
    while mendel.active_run():
        mendel.end_run()
    store.close()
    session.session = session.Session()


def test_text_comes_back_with_its_step_and_caption(run: ExperimentRun) -> None:
    run.log_text("a poem ✈\n", "samples/poem.md", step=7, caption="nice")
    [shown] = run.media("samples/poem.md")
    assert (shown.kind, shown.step, shown.caption) == ("text", 7, "nice")
    assert shown.path == "media/samples/poem/7.md"
    assert shown.load() == "a poem ✈\n"
    assert shown.size == len("a poem ✈\n".encode())
    assert shown.file == run.files_folder / "media/samples/poem/7.md"


def test_the_same_name_twice_keeps_both_in_order(run: ExperimentRun) -> None:
    for text in ("one", "two"):
        run.log_text(text, "report.txt")
    assert [shown.load() for shown in run.media("report.txt")] == ["one", "two"]


def test_a_dict_keeps_its_types(run: ExperimentRun) -> None:
    data: dict[str, Any] = {"a": [1, 1.0, None, True], "nan": math.nan, "np": np.float32(0.5)}
    run.log_dict(data, "config.json")
    back = run.media("config.json")[0].load()
    assert back["a"] == [1, 1.0, None, True]
    assert [type(value) for value in back["a"]] == [int, float, type(None), bool]
    assert math.isnan(back["nan"])
    assert back["np"] == 0.5


def test_images_come_back_pixel_by_pixel(run: ExperimentRun, tmp_path: Path) -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    colour = np.random.default_rng(0).integers(0, 255, (5, 6, 3), np.uint8)
    run.log_image(grey, "grey", step=1)
    run.log_image(Image.fromarray(colour), "pil")
    Image.fromarray(colour).save(tmp_path / "file.png")
    run.log_image(tmp_path / "file.png", key="path")
    np.testing.assert_array_equal(run.media("grey")[0].load(), grey)
    np.testing.assert_array_equal(run.media("pil")[0].load(), colour)
    np.testing.assert_array_equal(run.media("path")[0].load(), colour)
    assert run.media("grey")[0].meta == {"width": 4, "height": 3, "channels": 1}
    assert len(run.media(kind="image", step=1)) == 1


def test_figures_of_matplotlib_and_plotly_are_kept(run: ExperimentRun) -> None:
    import plotly.graph_objects as go
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots()
    axes.plot([1, 2, 3])
    run.log_figure(figure, "curve", step=3)
    run.log_figure(axes, "curve.svg")
    run.log_figure(go.Figure(go.Scatter(y=[1, 2])), "interactive")
    plt.close(figure)
    png, svg, plotly = run.media(kind="figure")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in svg.read_bytes()
    assert svg.path == "media/curve.svg"
    assert b'"data"' in plotly.load()
    assert plotly.path == "media/interactive.plotly.json"


def test_tables_come_back_as_frames_with_their_types(run: ExperimentRun) -> None:
    frame = pd.DataFrame({"x": [1, 2], "who": ["a", "b"], "p": [0.5, math.nan]})
    run.log_table(frame, "predictions", step=2)
    [shown] = run.media("predictions")
    pd.testing.assert_frame_equal(shown.table().to_pandas(), frame)
    assert shown.meta == {"rows": 2, "columns": {"x": "int", "who": "text", "p": "float"}}


def test_histograms_count_what_stands_in_no_bin_apart(run: ExperimentRun) -> None:
    run.log_histogram([1, 2, 2, math.nan, math.inf, -math.inf], "weights", step=1, bins=2)
    run.log_histogram(name="given", counts=[1, 2], edges=[0, 1, 2])
    found = run.media("weights")[0].load()
    assert found == Histogram([1, 2], [1.0, 1.5, 2.0], nan=1, low=1, high=1)
    assert run.media("given")[0].load() == Histogram([1.0, 2.0], [0.0, 1.0, 2.0])
    assert run.media("given")[0].path is None
    with pytest.raises(InvalidError, match="no file"):
        _ = run.media("given")[0].file


def test_html_sound_and_video_are_kept(run: ExperimentRun, tmp_path: Path) -> None:
    (tmp_path / "a.WAV").write_bytes(b"RIFF")
    run.log_html("<b>x</b>", "page")
    run.log_audio(tmp_path / "a.WAV", "sound", step=0)
    run.log_video(tmp_path / "a.WAV", "film")
    assert [(m.kind, m.path, m.step) for m in run.media()] == [
        ("html", "media/page.html", None),
        ("audio", "media/sound/0.wav", 0),
        ("video", "media/film.wav", None),
    ]
    assert run.media("sound")[0].load() == b"RIFF"


@pytest.mark.parametrize("key", ["../../../etc/passwd", "/etc/passwd", "a\x00b", "x" * 10_000, "ü"])
def test_any_name_is_kept_and_nothing_leads_out(run: ExperimentRun, key: str) -> None:
    run.log_text("x", key)
    [shown] = run.media(key)
    assert shown.key == key
    assert shown.file.resolve().is_relative_to(run.files_folder.resolve())


@pytest.mark.parametrize(
    ("verb", "given", "error", "told"),
    [
        ("log_text", (b"bytes", "x"), WrongTypeError, "takes text, not bytes"),
        ("log_text", ("x", 5), WrongTypeError, "name must be text"),
        ("log_text", ("x", ""), InvalidError, "says nothing"),
        ("log_dict", ({"a": object()}, "x"), WrongTypeError, "x.'a'"),
        ("log_dict", ({1: 2}, "x"), WrongTypeError, "keys must be text"),
        ("log_image", (np.zeros((2, 2)) - 1, "x"), InvalidError, "values from -1"),
        ("log_image", ("absent.png", "x"), FileNotFoundError, "absent.png"),
        ("log_image", (np.zeros((2, 2)),), InvalidError, "needs a name"),
        ("log_figure", (5, "x"), WrongTypeError, "matplotlib or Plotly, not int"),
        ("log_table", (5, "x"), WrongTypeError, "table is"),
        ("log_histogram", (["a"], "x"), WrongTypeError, "numbers"),
        ("log_histogram", ([1.0],), InvalidError, "needs a name"),
        ("log_histogram", (None, "x"), InvalidError, "not both"),
        ("log_video", ("absent.mp4", "x"), FileNotFoundError, "absent.mp4"),
    ],
)
def test_wrong_input_is_told_before_anything_is_written(
    run: ExperimentRun, verb: str, given: Any, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        getattr(run, verb)(*given)
    assert run.media() == []
    assert not (run.files_folder / "media").exists()


@pytest.mark.parametrize(
    ("counts", "edges", "told"),
    [
        ([1, 2], [0, 1], "need 3 edges; 2"),
        ([1], [1, 0], "must grow"),
        ([-1], [0, 1], "0 or more"),
        ([1], None, "belong together"),
    ],
)
def test_counts_and_edges_must_fit(run: ExperimentRun, counts: Any, edges: Any, told: str) -> None:
    with pytest.raises(InvalidError, match=told):
        run.log_histogram(name="x", counts=counts, edges=edges)


@pytest.mark.parametrize("step", [1.5, "1", True])
def test_a_step_is_an_int(run: ExperimentRun, step: Any) -> None:
    with pytest.raises(WrongTypeError, match="a step is an int"):
        run.log_text("x", "x", step=step)
    run.log_text("x", "x", step=np.int64(3))  # type: ignore[arg-type]
    assert run.media("x")[0].step == 3


def test_an_unknown_kind_is_told(run: ExperimentRun) -> None:
    with pytest.raises(InvalidError, match="there are: image, text"):
        run.media(kind="sculpture")


def test_a_full_disk_is_told_and_noted_and_training_goes_on(
    run: ExperimentRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mendel.track.files.RunFiles.save", full)
    with pytest.warns(MendelWarning, match="'x' was not logged: No space"):
        run.log_text("x", "x")
    monkeypatch.undo()
    assert run.media() == []
    run.store.refresh([run.id])
    [record] = run.store.catalog.get_runs([run.id]).values()
    assert "No space" in str(record.alerts[0]["text"])


def test_a_full_disk_is_raised_where_the_run_is_strict(
    run: ExperimentRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    mendel.init(strict=True)
    monkeypatch.setattr("mendel.track.files.RunFiles.save", full)
    with pytest.raises(StoreError, match="was not logged: No space"):
        run.log_text("x", "x")


def test_a_file_that_is_gone_is_told(run: ExperimentRun) -> None:
    run.log_text("x", "x")
    [shown] = run.media("x")
    shown.file.unlink()
    with pytest.raises(NotFoundError, match="gone"):
        shown.load()


@pytest.mark.parametrize(
    "wrong",
    [
        {"values": [1, 2], "bins": "x"},
        {"values": [1, 2], "bins": 2.5},
        {"counts": ["a"], "edges": [0, 1]},
        {"counts": [[1], [1, 2]], "edges": [0, 1]},
    ],
)
def test_a_histogram_of_wrong_things_is_told_in_our_words(wrong: dict[str, Any]) -> None:
    values = wrong.pop("values", None)
    with pytest.raises(MendelError, match=r"histogram|bins"):
        histogram(values, **wrong)
