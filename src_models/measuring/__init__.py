"""Measurements of files: of labels, and of the images that they lie on."""
