"""The dock widgets. They wire plain objects to controls and layers, and load no torch."""
