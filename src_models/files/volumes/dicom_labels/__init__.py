"""Labels in DICOM: segmentations (DICOM-SEG) both ways, and contours of structures (RTSTRUCT) read."""
