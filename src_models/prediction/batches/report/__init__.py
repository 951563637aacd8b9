"""A page on many images that were segmented: a picture of each with the outlines, and what was found."""
