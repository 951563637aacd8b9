"""Values that lie on a scan, on a grid of their own."""
