"""Images as PNG without any image library."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mendel.graph.errors import InvalidError, WrongTypeError
from mendel.track import png


@given(
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(1, 4),
    st.sampled_from([np.uint8, np.uint16]),
    st.integers(0, 2**32 - 1),
)
def test_what_is_written_is_read_by_us_and_by_pillow(
    height: int, width: int, channels: int, kind: Any, seed: int
) -> None:
    top = np.iinfo(kind).max
    image = np.random.default_rng(seed).integers(0, top, (height, width, channels), kind, True)
    data = png.encode(image)
    back = png.decode(data)
    assert back is not None
    assert back.dtype == kind
    np.testing.assert_array_equal(back, image)
    if kind is np.uint8:
        with Image.open(io.BytesIO(data)) as seen:
            np.testing.assert_array_equal(np.asarray(seen).reshape(image.shape), image)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.array([[True, False]]), [[255, 0]]),
        (np.array([[0.0, 1.0, 0.5]]), [[0, 255, 128]]),
        (np.array([[0, 255]], np.int64), [[0, 255]]),
        ([[0, 1, 255]], [[0, 1, 255]]),
    ],
)
def test_values_are_scaled_by_their_type(given: Any, expected: list[list[int]]) -> None:
    assert png.pixels(given)[:, :, 0].tolist() == expected


def test_channels_first_is_turned_as_pytorch_has_it() -> None:
    image = np.zeros((3, 20, 30), np.uint8)
    image[1] = 7
    turned = png.pixels(image)
    assert turned.shape == (20, 30, 3)
    assert turned[0, 0].tolist() == [0, 7, 0]


@pytest.mark.parametrize(
    "given",
    [
        np.array([[-0.1, 1.0]]),
        np.array([[0.0, 1.5]]),
        np.array([[float("nan")]]),
        np.array([[300]]),
        np.array([[-1]]),
    ],
)
def test_values_out_of_range_are_refused_not_cut_off(given: Any) -> None:
    with pytest.raises(InvalidError, match="expected"):
        png.pixels(given)


@pytest.mark.parametrize("shape", [(3,), (5, 2, 5), (1, 2, 2, 3), (0, 4), (5, 5, 0)])
def test_what_is_no_image_is_refused_with_its_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidError, match="shape"):
        png.pixels(np.zeros(shape, np.uint8))
    with pytest.raises(WrongTypeError, match="numbers"):
        png.pixels(np.array([["a"]]))


def test_a_png_of_another_make_is_left_to_others() -> None:
    out = io.BytesIO()
    Image.linear_gradient("L").convert("P").save(out, "PNG")
    assert png.decode(out.getvalue()) is None
    assert png.decode(b"GIF89a") is None
