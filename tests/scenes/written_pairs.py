"""Images and masks of a data set, written as people have them."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import tifffile

from src_models.files.samples import Sample


def write_pair(root: Path, name: str, image: np.ndarray | None = None, mask: np.ndarray | None = None) -> Sample:
    """Write an image and its mask; small grey ones unless given."""
    image = np.full((6, 8), 7, np.uint8) if image is None else image
    mask = np.eye(6, 8, dtype=np.uint8) if mask is None else mask
    for folder, array in (("images", image), ("masks", mask)):
        path = root / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".tif":
            tifffile.imwrite(path, array, photometric="rgb" if array.shape[-1] in (3, 4) else "minisblack")
        else:
            iio.imwrite(path, array)
    return Sample(name, root / "images" / name, root / "masks" / name)
