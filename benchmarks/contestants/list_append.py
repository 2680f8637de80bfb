"""A yardstick: a tuple appended to a list. Nothing is kept; it shows what a Python call costs."""

CALLS = 2_000_000
DURABLE = False
PACKAGE = None


def begin(folder):
    return []


def log(rows):
    append = rows.append

    def call(values, step):
        append((step, values))

    return call


def finish(rows):
    rows.clear()


def count(folder):
    return 0


def read(folder, key):
    return 0
