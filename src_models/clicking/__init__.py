"""Segmenting one object by clicks: what a person gives, what the network sees of it, and what comes back."""
