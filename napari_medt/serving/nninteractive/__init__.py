"""nnInteractive's remote protocol, as its extension of 3D Slicer speaks it."""
