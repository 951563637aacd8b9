"""A server for 3D Slicer and other viewers: models, clicks and corrections over HTTP; neither napari nor Qt."""
