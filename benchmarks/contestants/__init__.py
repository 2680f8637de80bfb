"""Who is measured: one file each, run in its own environment, with the same five functions.

    begin(folder) -> handle      a run is open, ready to log
    log(handle) -> call          call(values: dict[str, float], step: int), as a user would write it
    finish(handle) -> None       the run is closed as its maker's manual says
    count(folder) -> int         how many points (key and step) can be read from the folder now
    read(folder, key) -> int     read one series back as the manual says; how many points came

and three facts: CALLS, how many calls a measurement may make at most (so that a slow one does not
keep the others waiting), DURABLE, whether a point is meant to survive the death of the process
once the call returned, and PACKAGE, the distribution whose version is told (None: Python itself).
They use nothing but the standard library and the package itself.
"""
