"""The command line: one file a command; out.py is the only file that prints."""
