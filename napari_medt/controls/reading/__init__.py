"""Qt pieces with which a person says how an image is read."""
