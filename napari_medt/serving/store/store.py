"""All that is kept on disk: images that clients sent, and labels that people made."""

from __future__ import annotations

from napari_medt.serving.settings import ServeSettings
from src_models.disk.atomic import check_writable
from src_models.errors import ImageError

__all__ = ["Store"]


class Store:
    """Images of the folder, images that clients sent, and labels of both.

    Parameters
    ----------
    settings
        Folder, store and limits.

    Raises
    ------
    UserError
        If the folder is none, or the store cannot be written to.
    """

    def __init__(self, settings: ServeSettings) -> None:
        if settings.folder is not None and not settings.folder.is_dir():
            raise ImageError(f"{settings.folder}: there is no such folder of images; check the name")
        check_writable(settings.store)
        self.settings = settings
