"""A model learns from what a person gave: its controls, and the rounds."""
