"""Scans (volumes of CT and the like) in files: NIfTI, and folders of DICOM slices; and labels back as NIfTI."""
