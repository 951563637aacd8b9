"""Running a network over an image, tile by tile."""
