"""tensorboardX: a scalar a call into an event file."""

import os
import struct
from pathlib import Path

CALLS = 5_000
DURABLE = True
PACKAGE = "tensorboardX"


def begin(folder):
    from tensorboardX import SummaryWriter

    return SummaryWriter(str(Path(folder) / f"run-{os.getpid()}"))


def log(writer):
    add = writer.add_scalar

    def call(values, step):
        for key, value in values.items():
            add(key, value, step)

    return call


def finish(writer):
    writer.close()


def _events(folder):
    """Yield the payloads of TFRecord frames that are whole."""
    for path in Path(folder).rglob("*tfevents*"):
        data, at = path.read_bytes(), 0
        while at + 12 <= len(data):
            (size,) = struct.unpack_from("<Q", data, at)
            if at + 16 + size > len(data):
                break
            yield data[at + 12 : at + 12 + size]
            at += 16 + size


def count(folder):
    from tensorboardX.proto import event_pb2

    return sum(len(event_pb2.Event.FromString(e).summary.value) for e in _events(folder))


def read(folder, key):
    from tensorboardX.proto import event_pb2

    found = 0
    for event in _events(folder):
        for value in event_pb2.Event.FromString(event).summary.value:
            found += value.tag == key
    return found
