"""OME-Zarr (NGFF): what its metadata say, and labels that are written into an image."""
