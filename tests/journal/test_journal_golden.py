"""Files of format 1 are read for ever, by Mendel and by the page's own reader."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mendel.graph.values import to_json
from mendel.journal.read import Journal, JournalBlocks

GOLDEN = Path(__file__).parent / "golden"
READER = Path(__file__).parents[2] / "docs" / "reference" / "read_journal.py"
FORMS = ["raw", "sealed", "sealed-single"]  # the last with floats as float32, where they are


def expected() -> list[str]:
    return (GOLDEN / "expected.jsonl").read_text().splitlines()


@pytest.mark.parametrize("form", FORMS)
def test_the_reader_of_the_docs_reads_golden_files(form: str) -> None:
    files = sorted((GOLDEN / form).iterdir())
    command = [sys.executable, "-I", "-S", str(READER), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == expected()


def test_the_reader_of_the_docs_is_short() -> None:
    lines = [line for line in READER.read_text().splitlines() if line.strip()]
    assert len(lines) <= 60


@pytest.mark.parametrize("form", FORMS)
def test_mendel_reads_golden_files(form: str) -> None:
    folder = GOLDEN / form
    journal = Journal(folder)
    [writer] = journal.writers()
    digest = journal.digest(writer)
    assert digest.closed
    assert digest.damage == ()
    found = [(f.ordinal, [f.kind, f.time, to_json(f.body)]) for f in digest.facts]
    blocks = JournalBlocks(lambda _: folder)
    for block in digest.blocks:
        points = blocks.read(block.key, block.keys, block.count, (block.start, block.end))
        for i in range(block.count):
            values = {key: points.values[key][i].item() for key in block.keys}
            body = {"step": int(points.steps[i]), "set": values}
            found.append((int(points.ordinals[i]), ["point", float(points.times[i]), body]))
    lines = [json.dumps(record) for _, record in sorted(found, key=lambda item: item[0])]
    assert lines == expected()
    assert [ordinal for ordinal, _ in sorted(found, key=lambda i: i[0])] == list(range(len(found)))


def test_all_forms_give_the_same_digest() -> None:
    digests = []
    for form in FORMS:
        journal = Journal(GOLDEN / form)
        [writer] = journal.writers()
        digests.append(repr(journal.digest(writer)))
    assert digests == digests[:1] * len(FORMS)
