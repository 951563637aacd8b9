"""Mending an object that is there: one that was carried, or that a person began with."""
