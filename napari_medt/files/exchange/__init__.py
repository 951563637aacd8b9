"""Labels of other programs: what the manifest names for them."""
