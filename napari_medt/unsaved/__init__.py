"""Labels that survive a crash of napari."""
