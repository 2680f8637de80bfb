"""How whole runs arrive and leave: run folders and exports, one file a source."""
