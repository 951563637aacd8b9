"""Learning from corrections: a network that is wrong on a person's images is mended with what they mended."""
