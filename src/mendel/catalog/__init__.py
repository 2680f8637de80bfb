"""Where the graph is found: an index of the journals, and what people decide."""
