"""Commands that take labels: their outlines for other programs, and their objects through time."""
