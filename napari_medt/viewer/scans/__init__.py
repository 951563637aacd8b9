"""Scans that lie anywhere in the world: what napari shows of them, and how they come into view."""
