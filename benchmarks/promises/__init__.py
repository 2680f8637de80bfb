"""One file a promise: each has ``measure(bench) -> Result``."""
