"""``mendel tag``: tags that people give; they win over tags that the run logged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mendel.cli.command import command, run_argument
from mendel.cli.text import counted, typed
from mendel.graph.errors import InvalidError

if TYPE_CHECKING:
    from mendel.cli.command import Door
    from mendel.graph.values import Value


@command(
    "tag",
    examples=[
        ("mendel tag brave-fox stage=final reviewed=true", "two tags"),
        ("mendel tag 01JD4Q 01JD5R --remove stage", "remove one from two runs"),
        ('mendel runs -f "metrics.auc > 0.9" --ids | mendel tag - stage=final', "from a search"),
    ],
    shape='{"runs": [id, …], "tags": [{tags of the run}, …]}',
)
@run_argument(many=True)
@click.option("--remove", multiple=True, metavar="KEY", help="Remove a tag. May be repeated.")
@click.option("--text", "as_text", is_flag=True, help="Take values as text: --text n=1 sets '1'.")
def command_(door: Door, runs: tuple[str, ...], remove: tuple[str, ...], as_text: bool) -> None:
    """Set or remove tags of runs.

    Words with = are tags, the others are runs. A value is a number, true, false, null or JSON where
    it looks like one, else text.
    """
    words = [w for w in runs if "=" not in w]
    pairs = dict(w.split("=", 1) for w in runs if "=" in w)
    if not pairs and not remove:
        raise InvalidError("no tag was given: write key=value, or --remove key.")
    if "" in pairs:
        raise InvalidError("the name of a tag is empty: write key=value.")
    tags: dict[str, Value] = {k: v if as_text else typed(v) for k, v in pairs.items()}
    ids = door.run_ids(words)
    gone: list[Value] = list(remove)
    door.decide("tag_run", ids, set=tags, remove=gone)
    if door.out.as_json:
        found = door.store().catalog.get_runs(ids)
        door.out.data({"runs": list(ids), "tags": [found[i].tags for i in ids]})
    else:
        door.out.done(f"tagged {counted(len(ids), 'run')}")
