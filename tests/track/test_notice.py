"""What Mendel says by itself: never more than text, never an exception."""

import sys

import pytest

from mendel.track import notice


def test_what_acts_on_a_terminal_is_shown_by_its_escape(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MENDEL_QUIET", raising=False)
    notice.say("run 'é\x1b[31m\n\ud800' of 'e'")
    assert capsys.readouterr().err == "mendel: run 'é\\x1b[31m\\n\\ud800' of 'e'\n"


def test_without_a_standard_error_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MENDEL_QUIET", raising=False)
    monkeypatch.setattr(sys, "stderr", None)
    notice.say("nobody listens")


def test_a_line_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    notice.forget()
    notice.once("key", "one")
    notice.once("key", "two")
    notice.forget()
    assert capsys.readouterr().err == "mendel: one\n"
