"""Layers of a viewer: what is shown, what is known of them, where they lie."""
