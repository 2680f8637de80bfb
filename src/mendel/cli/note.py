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
    note = record.note
    if remove:
        note = None
    elif text == "-":
        note = sys.stdin.read().rstrip("\n")
    elif text is not None:
        note = text
    elif edit:
        edited = click.edit(record.note or "", extension=".md")
        note = record.note if edited is None else edited.rstrip("\n")
    if note != record.note:
        door.decide("note_run", [record.id], note=note or None)
    if door.out.as_json:
        door.out.data({"run": record.id, "note": note or None})
    elif text is not None or edit or remove:
        door.out.done("noted" if note else "the note is removed")
    elif note:
        door.out.markdown(note)
    else:
        door.out.remark(
            f"no note yet. Write one: mendel note {record.id} 'text', or -e for an editor"
        )
