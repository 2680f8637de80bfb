"""What a run captures by itself, off the caller's path: one file a kind."""
