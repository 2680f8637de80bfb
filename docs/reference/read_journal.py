"""Reads journals of Mendel with Python alone: `read_journal.py FILE…` prints a line a record."""

import json
import struct
import sys
from itertools import accumulate
from pathlib import Path
from zlib import crc32, decompress


def raw(data):  # a segment as it is written, .mdj
    at = 16 + struct.unpack_from("<I", data, 12)[0]
    number, shapes, end = json.loads(data[16:at])["first"], {}, at + -at % 8
    while (at := end) + 8 <= len(data):
        commit, units, kind = struct.unpack_from("<IHH", data, at)
        body = at + 8
        if units == 65535:
            units, body = struct.unpack_from("<Q", data, body)[0], body + 8
        end = at + 8 * units
        if not commit or (crc32(data[at + 4 : end]) or 1) != commit:
            return  # the end of what was written, or damage
        text = data[body + 4 : body + 4 + struct.unpack_from("<I", data, body)[0]]
        if kind == 1:
            shapes[json.loads(text)["shape"]] = json.loads(text)
        elif kind == 2 or kind >= 16:
            yield number, json.loads(text) if kind == 2 else point(shapes[kind - 16], data, body)
            number += 1


def point(shape, data, at=0):
    step, time, *row = struct.unpack_from("<qd" + shape["types"].replace("?", "q"), data, at)
    row = [bool(v) if t == "?" else v for t, v in zip(shape["types"], row)]
    return ["point", time, {"step": step, "set": dict(zip(shape["keys"], row))}]


def sealed(data):  # a segment as it rests, .mdz
    at = 16 + struct.unpack_from("<I", data, 12)[0]
    base = at + -at % 8 + json.loads(data[16:at])["index"]
    index = json.loads(decompress(data[at + -at % 8 + 4 : base]))
    for at, length in index["facts"]:
        facts = decompress(data[base + at + 4 : base + at + length])
        while facts:
            number, _, size = struct.unpack_from("<QQI", facts)
            yield number, json.loads(facts[20 : 20 + size])
            facts = facts[20 + size :]
    for number, blocks in index["blocks"]:
        shape = index["shapes"][str(number)]
        for _, count, _, _, at, sizes in blocks:
            columns = [column(data[e:], count) for e in accumulate(sizes[:-1], initial=base + at)]
            for ordinal, *words in zip(*columns):
                yield int.from_bytes(ordinal, "little"), point(shape, b"".join(words))


def column(data, count):  # its crc, what its words became (1 gaps, 2 float32), lengths, planes
    at, planes, how = 5 + 16 * (data[4] == 1), [], data[4]
    count, sizes = count - (how == 1), struct.unpack_from("<4H" if how == 2 else "<8H", data, at)
    for end in accumulate(sizes, initial=at + 2 * len(sizes)):
        part, at = data[at:end], end
        planes.append(part * count if len(part) == 1 else part)
    words = [bytes(o) for o in zip(*(p if len(p) == count else decompress(p) for p in planes[1:]))]
    if how == 1:  # the first word, and the least that two neighbours differ by
        first, least = struct.unpack_from("<qq", data, 5)
        gaps = [least + int.from_bytes(word, "little") for word in words]
        words = [struct.pack("<q", word) for word in accumulate(gaps, initial=first)]
    return [struct.pack("<d", *struct.unpack("<f", w)) for w in words] if how == 2 else words


for name in sys.argv[1:]:
    content = Path(name).read_bytes()
    for _, record in sorted((raw if name.endswith(".mdj") else sealed)(content)):
        print(json.dumps(record))
