"""Values: what the numbers of DICOM files mean, and values that lie on a scan on a grid of their own."""
