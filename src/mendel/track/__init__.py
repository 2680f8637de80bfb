"""What a person holds (experiment, run, execution, artifact): the only door to the graph."""
