"""The catalog on SQL: SQLite here, other databases as a dialect."""
