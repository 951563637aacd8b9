"""How well a model does on images whose truth is known."""
