"""Where bytes live: content-addressed, stored once, hash-checked. Read ``contract.py`` first."""
