"""Whole runs arrive: from run folders, exports and other stores."""
