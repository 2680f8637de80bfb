"""The demo: the flights of 2013, from raw data to the comparison of models."""
