"""Segmenting a folder of images: the list of files, how far each is, and the report."""
