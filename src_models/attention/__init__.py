"""Attention of a network: recorded, placed on the image, compared, written to files."""
