"""Charts whose colours can be read on the window's ground, dark or light."""
