"""Lines over an image: outlines of objects, and lines as wide on the screen however far a person zooms."""
