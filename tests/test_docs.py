"""The docs run: every ```python block of a page, top to bottom, in one fresh process and folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SECTIONS = ("start", "guides", "ideas")
PAGES = [*sorted(p for s in SECTIONS for p in ROOT.glob(f"docs/{s}/*.md")), ROOT / "README.md"]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
ALL_PAGES = sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("*.md")])
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def run(code: str, folder: Path) -> None:
    keep = {k: v for k, v in os.environ.items() if not k.startswith("MENDEL_")}
    script = folder / "page.py"
    script.write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**keep, "MENDEL_QUIET": "1", "MPLBACKEND": "agg"},
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_runs(page: Path, tmp_path: Path) -> None:
    run("\n".join(BLOCK.findall(page.read_text(encoding="utf-8"))), tmp_path)


@pytest.mark.parametrize("example", EXAMPLES, ids=name)
def test_an_example_runs(example: Path, tmp_path: Path) -> None:
    run(example.read_text(encoding="utf-8"), tmp_path)


@pytest.mark.parametrize("page", ALL_PAGES, ids=name)
def test_a_page_links_to_what_is_there(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
