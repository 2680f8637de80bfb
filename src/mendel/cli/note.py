"""``mendel note``: what people write about a run, in Markdown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from mendel.cli.command import command, run_argument
from mendel.graph.errors import InvalidError

if TYPE_CHECKING:
    from mendel.cli.command import Door


@command(
    "note",
    examples=[
        ("mendel note brave-fox", "read it"),
        ("mendel note brave-fox 'Overfits after *step 400*.'", "write it"),
        ("mendel note brave-fox -e", "write it in $EDITOR"),
        ("git log -1 --format=%B | mendel note brave-fox -", "from a pipe"),
    ],
    shape='{"run": id, "note": text or null}',
)
@run_argument()
@click.argument("text", required=False)
@click.option("-e", "--edit", is_flag=True, help="Write it in an editor.")
@click.option("--remove", is_flag=True, help="Remove it.")
def command_(door: Door, run: str, text: str | None, edit: bool, remove: bool) -> None:
    """Read or write the note of a run.

    Notes are Markdown. Without TEXT the note is printed; - reads it from standard input.
    """
    if sum((text is not None, edit, remove)) > 1:
        raise InvalidError("give a text, --edit or --remove, one of them.")
    (record,) = door.records([run])
    note = None if remove else _written(record.note, text, edit=edit)
    if note != record.note:
        door.decide("note_run", [record.id], note=note or None)
    changed = text is not None or edit or remove
    _answer(door, record.id, note or None, changed=changed)


def _written(before: str | None, text: str | None, *, edit: bool) -> str | None:
    """Return the note as it is to be: typed, piped in, edited, or as it was."""
    if edit:
        edited = click.edit(before or "", extension=".md")
        return before if edited is None else edited.rstrip("\n")
    if text is None:
        return before
    return sys.stdin.read().rstrip("\n") if text == "-" else text


def _answer(door: Door, run: str, note: str | None, *, changed: bool) -> None:
    if door.out.as_json:
        door.out.data({"run": run, "note": note})
    elif changed:
        door.out.done("noted" if note else "the note is removed")
    elif note:
        door.out.markdown(note)
    else:
        door.out.remark(f"no note yet. Write one: mendel note {run} 'text', or -e for an editor")
