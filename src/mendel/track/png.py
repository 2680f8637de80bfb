"""PNG written and read with the standard library and NumPy, so that an image needs nothing else.

Source: ISO/IEC 15948 (PNG), https://www.w3.org/TR/png-3/. Written: 8 or 16 bits; grey, grey with
alpha, RGB or RGBA; filter 2 (up) on every row. Read: what is written here.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

from mendel.graph.errors import InvalidError, WrongTypeError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR = {1: 0, 2: 4, 3: 2, 4: 6}  # channels to PNG's colour type
_CHANNELS = {colour: channels for channels, colour in _COLOUR.items()}
_UP = 2


def pixels(array: Any, what: str = "the image") -> Array:
    """Return an image as an array height × width × channels of uint8 or uint16.

    Args:
        array: height × width, height × width × channels, or channels × height × width (as PyTorch
            has it) with 1 to 4 channels. bool; uint8; uint16; other integers from 0 to 255; or
            floats from 0 to 1, which are scaled to 0 … 255 and rounded.
        what: how to call it in an error.

    Raises:
        WrongTypeError: no array of numbers.
        InvalidError: another shape, or values out of range: none is cut off silently.
    """
    import numpy as np

    if hasattr(array, "detach"):  # a tensor, wherever it lives
        array = array.detach().cpu()
    values = np.asarray(array)
    if values.dtype.kind not in "biuf":
        raise WrongTypeError(f"{what} must hold numbers, not {values.dtype}.")
    if values.ndim == 2:
        values = values[:, :, None]
    if values.ndim == 3 and values.shape[2] > 4 and values.shape[0] <= 4:
        values = np.moveaxis(values, 0, 2)
    if values.ndim != 3 or not 1 <= values.shape[2] <= 4 or 0 in values.shape:
        raise InvalidError(
            f"{what} has the shape {np.asarray(array).shape}; expected height × width, with 1 to 4 "
            "channels last (or first)."
        )
    return _in_range(values, what)


def _in_range(values: Array, what: str) -> Array:
    import numpy as np

    if values.dtype == bool:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype in (np.uint8, np.uint16):
        return values
    low, high = float(values.min()), float(values.max())
    top = 1.0 if values.dtype.kind == "f" else 255
    if not (low >= 0 and high <= top):  # NaN fails too
        kind = "floats from 0 to 1" if top == 1.0 else "integers from 0 to 255"
        raise InvalidError(
            f"{what} has values from {low:g} to {high:g}; {kind} are expected. Scale it first: "
            "(x - x.min()) / (x.max() - x.min())."
        )
    if top == 1.0:
        values = np.rint(values.astype(np.float64) * 255)
    return values.astype(np.uint8)


def encode(image: Array) -> bytes:
    """Return the PNG of an image that `pixels` gave."""
    import numpy as np

    height, width, channels = image.shape
    depth = image.dtype.itemsize * 8
    rows = np.ascontiguousarray(image.astype(image.dtype.newbyteorder(">"), copy=False))
    raw = rows.view(np.uint8).reshape(height, -1)
    filtered = np.empty((height, raw.shape[1] + 1), np.uint8)
    filtered[:, 0] = _UP
    filtered[0, 1:] = raw[0]
    filtered[1:, 1:] = raw[1:] - raw[:-1]  # modulo 256, as the standard has it
    head = struct.pack(">IIBBBBB", width, height, depth, _COLOUR[channels], 0, 0, 0)
    body = zlib.compress(filtered.tobytes(), 6)
    return _SIGNATURE + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def decode(data: bytes) -> Array | None:
    """Return the image of a PNG that `encode` wrote; None for a PNG of another make."""
    import numpy as np

    if not data.startswith(_SIGNATURE):
        return None
    width, height, depth, colour, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    channels = _CHANNELS.get(colour)
    if channels is None or depth not in {8, 16} or interlaced:
        return None
    at, body = 8, b""
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        if data[at + 4 : at + 8] == b"IDAT":
            body += data[at + 8 : at + 8 + length]
        at += 12 + length
    kind = np.dtype(">u2") if depth == 16 else np.dtype("u1")
    rows = np.frombuffer(zlib.decompress(body), np.uint8).reshape(height, -1)
    if (rows[:, 0] != _UP).any():
        return None
    raw = np.add.accumulate(rows[:, 1:], axis=0, dtype=np.uint8)
    return raw.view(kind).reshape(height, width, channels).astype(kind.newbyteorder("="))
