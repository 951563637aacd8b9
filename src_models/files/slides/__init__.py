"""Whole slides as scanners write them: how large a pixel is, where tissue is, and which formats are not read."""
