"""Whole slides as images: where on the glass there is tissue."""
