"""Labels of a person: which belong to an image, and what is known of their objects."""
