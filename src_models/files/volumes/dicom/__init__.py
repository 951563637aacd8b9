"""Folders of DICOM slices: which files belong to a scan, in which order they lie, and how they are read."""
