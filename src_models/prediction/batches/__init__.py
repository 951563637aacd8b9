"""Many images, one after the other or by the workers of a cluster; the same code for both."""
