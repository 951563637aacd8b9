"""What the series in a folder of DICOM files are, told before one is opened: words, numbers, and a picture of each."""
