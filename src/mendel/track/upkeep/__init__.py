"""Keeping a store: what takes the space, what may go, what is wrong."""
