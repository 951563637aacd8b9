"""Training of a network from a data set."""
