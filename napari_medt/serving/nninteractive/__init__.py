"""nnInteractive's protocol: clicks from 3D Slicer and napari, answered by our network of clicks."""
