"""Many images on the command line."""
