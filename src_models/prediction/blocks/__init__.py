"""A run of a model on an image: by one process, and block by block by the workers of a cluster."""
