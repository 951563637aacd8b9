"""Measures of each object of a label image, in pixels and in physical units."""
