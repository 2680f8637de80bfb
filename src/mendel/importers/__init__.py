"""Whole runs leave and arrive: exports, run folders."""
