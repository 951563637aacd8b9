"""Scans (volumes of CT and the like) in files: NIfTI, NRRD, folders of DICOM slices; and their labels in files."""
