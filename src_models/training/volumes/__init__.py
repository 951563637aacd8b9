"""Volumes as what networks of slices learn from."""
