"""What a network that says what a whole image shows tells of itself."""

from __future__ import annotations

from src_models.nets.network import Network

__all__ = ["Classifier"]


class Classifier(Network):
    """A network that takes images (N, C, H, W) of any size to logits (N, classes): one class for the whole image.

    :meth:`new_head` puts a new last layer in place; :meth:`deepest` is the module whose result (N, C, H', W') is
    averaged before it.

    Attributes
    ----------
    first_centre
        Where (px) lies what the first cell of the deepest features looks around; None for the cell's own middle.
    """

    first_centre: float | None = None
