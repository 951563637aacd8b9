"""A model of classes on an image layer: the run, its objects, what a person says of them, and why they have a class."""
