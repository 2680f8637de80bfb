"""The files of a run: names stay readable, and nothing leads out of the folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendel.graph.errors import InvalidError, NotFoundError
from mendel.track.files import RunFiles, file_pieces, safe_path, with_step

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("report.md", "report.md"),
        ("val/confusion", "val/confusion"),
        ("Übersicht 漢字.txt", "Übersicht 漢字.txt"),
        ("/abs/olute", "abs/olute"),
        ("a//./b", "a/b"),
    ],
)
def test_a_plain_name_stays_as_it_is(name: str, path: str) -> None:
    assert safe_path(name) == path


@pytest.mark.parametrize(
    "name", ["..", "../../etc/passwd", "a/../b", "C:\\x", "con.txt", "x\0y", "a:b", ".", "", "a."]
)
def test_a_name_that_would_do_harm_is_changed_and_marked(name: str) -> None:
    parts = safe_path(name).split("/")
    assert all(part not in {"", ".", ".."} for part in parts)
    assert not set(safe_path(name)) & set('\0:\\<>"|?*')


@given(st.text(max_size=300))
def test_any_name_gives_a_path_inside_that_a_file_system_takes(name: str) -> None:
    path = safe_path(name)
    assert not path.startswith("/")
    for part in path.split("/"):
        assert part not in {"", ".", ".."}
        assert len(part.encode()) <= 200
        assert part.isprintable() or " " in part or not any(ord(c) < 32 for c in part)


@given(st.lists(st.text(min_size=1, max_size=30), min_size=2, max_size=2, unique=True))
def test_two_names_never_give_one_path_unless_they_differ_by_slashes_only(names: list[str]) -> None:
    plain = [[p for p in n.replace("\\", "/").split("/") if p not in {"", "."}] for n in names]
    if plain[0] != plain[1]:
        assert safe_path(names[0]) != safe_path(names[1])


def test_a_step_stands_in_the_path_and_a_suffix_of_the_name_wins() -> None:
    assert with_step("loss", 7, ".png") == "loss/7.png"
    assert with_step("loss.svg", 7, ".png") == "loss/7.svg"
    assert with_step("loss.svg", None, ".png") == "loss.svg"
    assert with_step("v1.5/loss", None, ".png") == "v1.5/loss.png"


def test_a_second_file_of_one_name_gets_a_number(tmp_path: Path) -> None:
    files = RunFiles(tmp_path / "files")
    first = files.save("a/b.txt", iter([b"one"]))
    second = files.save("a/b.txt", iter([b"t", b"wo"]))
    assert (first.path, second.path) == ("a/b.txt", "a/b-2.txt")
    assert (second.size, files.find(second.path).read_bytes()) == (3, b"two")
    assert files.find(first.path).read_bytes() == b"one"


def test_a_file_that_stands_where_a_folder_is_needed_is_passed_by(tmp_path: Path) -> None:
    files = RunFiles(tmp_path)
    files.save("a.txt", iter([b"file"]))
    saved = files.save("a.txt/b.txt", iter([b"inside"]))
    assert files.find(saved.path).read_bytes() == b"inside"


def test_what_fails_midway_leaves_nothing(tmp_path: Path) -> None:
    def pieces() -> object:
        yield b"half"
        raise OSError(28, "No space left on device")

    files = RunFiles(tmp_path)
    with pytest.raises(OSError, match="No space"):
        files.save("a.txt", pieces())  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_record_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    files = RunFiles(tmp_path / "files")
    for path in ("../secret", "/etc/passwd", "a/../../secret", "", "a\\b"):
        with pytest.raises(InvalidError, match="leads out"):
            files.find(path)
    with pytest.raises(NotFoundError, match="gone"):
        files.find("absent.txt")


def test_a_file_is_read_in_pieces(tmp_path: Path) -> None:
    source = tmp_path / "big"
    source.write_bytes(b"x" * 2_500_000)
    assert [len(piece) for piece in file_pieces(source)] == [1 << 20, 1 << 20, 402_848]
