"""What survives a crash: append-only journals, one for each process that writes to a run.

`write` appends records, `read` tells what journals say, `seal` compresses what is finished. The
bytes are described in ``docs/reference/journal.md``.
"""
