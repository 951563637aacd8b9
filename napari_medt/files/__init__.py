"""What napari's own dialogs open and save through the manifest."""
