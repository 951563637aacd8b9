"""Several images in one file or folder: which there are, and which of them is meant."""
