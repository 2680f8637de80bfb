"""The command line: a front door. One file a command; out.py is the only one that prints."""
