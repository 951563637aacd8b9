"""Corrections: what a person mended in a segmentation, kept so that a network can learn from it."""
