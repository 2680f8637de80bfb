"""Where bytes live: content-addressed, stored once, hash-checked."""
