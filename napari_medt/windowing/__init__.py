"""The window of the Hounsfield scale in which a CT is shown."""
