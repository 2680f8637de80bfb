"""The suites that every implementation of a contract inherits; shipped for plugins."""
