"""napari-medt: segment with attention networks in napari, and see where they look."""

from src_models import __version__

__all__ = ["__version__"]
