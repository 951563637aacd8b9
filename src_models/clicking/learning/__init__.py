"""A network of clicks learns from the objects that a person accepted."""
