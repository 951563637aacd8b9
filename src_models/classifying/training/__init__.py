"""Training of networks that tell classes, from a set of pictures."""
