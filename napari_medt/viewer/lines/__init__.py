"""Lines and marks over an image: outlines of objects, and what is as large on the screen however far a person zooms."""
