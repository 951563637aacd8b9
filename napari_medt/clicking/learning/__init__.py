"""The model of clicks learns from what was accepted."""
