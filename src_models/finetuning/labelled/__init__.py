"""Labels that were drawn elsewhere, as corrections of the planes of their image."""
