"""The house keeps its sizes: each limit is a number; an exception is named and may only shrink.

Complexity (McCabe, at most 10) is kept by ruff, rule C901.
"""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src" / "mendel"
FILES = sorted(SRC.rglob("*.py"))

FILE_LINES = 500
FUNCTION_LINES = 70
CLASS_METHODS = 25
IMPORT_MODULES = 40
FORBIDDEN_NAMES = {
    "utils",
    "util",
    "core",
    "common",
    "helpers",
    "helper",
    "base",
    "manager",
    "misc",
}

# The ratchet: what is over a limit today, by name, with its size. It may shrink, never grow, and an
# entry that is no longer over its limit must go.
LONG_FILES: dict[str, int] = {}
LONG_FUNCTIONS: dict[str, int] = {}
WIDE_CLASSES: dict[str, int] = {}

Function = ast.FunctionDef | ast.AsyncFunctionDef
CLOCKS = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "uuid.uuid4"}
SQL = {"SELECT", "INSERT", "UPDATE", "DELETE", "PRAGMA", "CREATE"}


def name(path: Path) -> str:
    return path.relative_to(SRC).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[tuple[str, Function]]:
    for node in ast.walk(tree(path)):
        if isinstance(node, Function):
            yield f"{name(path)}:{node.name}", node


def hold(found: dict[str, int], limit: int, ratchet: dict[str, int]) -> None:
    grown = {w: s for w, s in found.items() if s > ratchet.get(w, limit)}
    assert not grown, f"over the limit of {limit}: {grown}"
    idle = {w for w in ratchet if found.get(w, 0) <= limit}
    assert not idle, f"no longer over the limit; take it off the ratchet: {idle}"


def test_files_are_short() -> None:
    hold({name(p): p.read_text().count("\n") for p in FILES}, FILE_LINES, LONG_FILES)


def test_functions_are_short() -> None:
    sizes = {w: (f.end_lineno or 0) - f.lineno + 1 for p in FILES for w, f in functions(p)}
    hold(sizes, FUNCTION_LINES, LONG_FUNCTIONS)


def test_classes_are_narrow() -> None:
    sizes = {
        f"{name(p)}:{c.name}": sum(isinstance(n, Function) for n in c.body)
        for p in FILES
        for c in ast.walk(tree(p))
        if isinstance(c, ast.ClassDef)
    }
    hold(sizes, CLASS_METHODS, WIDE_CLASSES)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_says_why_it_exists(path: Path) -> None:
    text = ast.get_docstring(tree(path))
    assert text, "the file has no docstring"
    assert len(text.split("\n")[0]) > 20, f"that says little: {text!r}"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_keeps_to_its_trade(path: Path) -> None:
    where = name(path)
    assert path.stem not in FORBIDDEN_NAMES, f"{where} is named after nothing"
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called == "print":
                assert where == "cli/out.py", f"{where}:{node.lineno} prints; cli/out.py alone does"
            if called in CLOCKS:
                assert where == "graph/clock.py", f"{where}:{node.lineno} asks {called} itself"
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            first = node.value.split(None, 1)[:1]
            if first and first[0] in SQL:
                assert where.startswith("catalog/sql/"), f"{where}:{node.lineno} speaks SQL"


def test_import_mendel_is_light() -> None:
    code = (
        "import sys, json; before = set(sys.modules); import mendel; "
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout)
    foreign = [m for m in loaded if m.split(".")[0] not in sys.stdlib_module_names | {"mendel"}]
    assert not foreign, f"import mendel loads {foreign}"
    assert len(loaded) <= IMPORT_MODULES, f"import mendel loads {len(loaded)} modules: {loaded}"


def test_every_room_has_tests() -> None:
    rooms = {p.name for p in SRC.iterdir() if (p / "__init__.py").exists()} - {"testing"}
    missing = [room for room in rooms if not list((ROOT / "tests" / room).glob("test_*.py"))]
    assert not missing, f"rooms without a test: {missing}"


def test_no_file_names_a_private_place() -> None:
    done = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("not a git checkout: there is no list of files to look through")
    private = ["/" + "work/", "/" + "root/", "/." + "library", "shared/" + "design"]
    for path in [ROOT / line for line in done.stdout.splitlines()]:
        if path.suffix in {".py", ".md", ".toml", ".sh", ".json", ""} and path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            hits = [word for word in private if word in text]
            assert not hits, f"{path.name} names {hits}"
