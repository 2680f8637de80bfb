"""What survives a crash: append-only journals, one a writer."""
