"""How whole runs move: copied file by file, written out as open tables."""
