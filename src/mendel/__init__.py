"""Mendel: everything a data scientist tries, recorded in one lineage graph."""
