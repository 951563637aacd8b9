"""MONAI Label's REST, as the module of that name in 3D Slicer speaks it."""
