"""W&B offline: a process beside writes a .wandb file, which is read here by its own format."""

import os
import struct
from pathlib import Path

CALLS = 5_000
DURABLE = False
PACKAGE = "wandb"
BLOCK = 32768


def begin(folder):
    os.environ.update(
        WANDB_MODE="offline",
        WANDB_SILENT="true",
        WANDB_CONSOLE="off",
        WANDB_DATA_DIR=str(folder),
        WANDB_CACHE_DIR=str(folder),
        WANDB_CONFIG_DIR=str(folder),
    )
    import wandb

    settings = wandb.Settings(x_disable_stats=True, disable_git=True, disable_code=True)
    return wandb.init(project="bench", dir=str(folder), settings=settings)


def log(run):
    def call(values, step):
        run.log(values, step=step)

    return call


def finish(run):
    run.finish()


def _records(path):
    """Yield whole records of a LevelDB log: blocks of 32 KiB, pieces with crc, length, type."""
    data, at, parts = path.read_bytes(), 7, []
    while at + 7 <= len(data):
        left = BLOCK - at % BLOCK
        if left < 7:
            at += left
            continue
        size, kind = struct.unpack_from("<HB", data, at + 4)
        if not kind or at + 7 + size > len(data):
            return
        parts.append(data[at + 7 : at + 7 + size])
        at += 7 + size
        if kind in {1, 4}:  # whole, or the last piece
            yield b"".join(parts)
            parts = []


def _items(folder):
    from wandb.proto.wandb_internal_pb2 import Record

    for path in Path(folder).rglob("*.wandb"):
        for data in _records(path):
            record = Record.FromString(data)
            if record.WhichOneof("record_type") == "history":
                for item in record.history.item:
                    name = item.key or "/".join(item.nested_key)
                    if not name.startswith("_"):
                        yield name, item.value_json


def count(folder):
    return sum(1 for _ in _items(folder))


def read(folder, key):
    return sum(1 for name, _ in _items(folder) if name == key)
