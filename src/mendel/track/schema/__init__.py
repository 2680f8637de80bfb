"""Kinds of node with names that others know: `system` (shared words) and `google` (Vertex's).

    from mendel.schema import system
    dataset = system.Dataset(uri="data/flights.csv", display_name="flights").create()

A title that is in neither is taken as well: it is your own kind.
"""

from mendel.track.schema import google, system

__all__ = ["google", "system"]
