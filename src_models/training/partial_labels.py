"""Classes that nobody drew in an image: unknown there, which is not the same as not there.

Where an organ was not drawn, the mask says background. Such a voxel is background or of any class that was not drawn,
so the network's probabilities of all of these are added up before the loss: the marginal loss of Shi et al. 2021,
"Marginal loss and exclusion loss for partially supervised multi-organ segmentation", Medical Image Analysis 70, 101979,
https://doi.org/10.1016/j.media.2021.101979 (Section 3.1). A class that is not drawn teaches nothing there, neither that
it is there nor that it is not, but for the voxels of drawn classes, which are none of it.

In targets, a voxel of such a background has a number below :data:`~src_models.training.masked_loss.IGNORED` that says
which classes it may have: ``~bits``, where bit ``c`` stands for class ``c``.

>>> bits = undrawn_classes(drawn=(1, 3), classes=4)
>>> bits, unknown_background(np.array([0, 1, 3]), bits).tolist()  # bit 2 alone
(4, [-5, 1, 3])
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from src_models.errors import DataSetError
from src_models.training.masked_loss import IGNORED

__all__ = ["marginal", "undrawn_classes", "unknown_background", "without_undrawn"]

MOST_CLASSES = 63  # bits of a number of 64 bits, less its sign


def undrawn_classes(drawn: Collection[int] | None, classes: int) -> int:
    """Return which classes but the background were not drawn, a bit for each.

    Parameters
    ----------
    drawn
        Classes that were drawn; None if all were.
    classes
        How many there are, the background included.

    Raises
    ------
    DataSetError
        If there are more than 63 classes, which a number of 64 bits has no room for.
    """
    if drawn is None:
        return 0
    if classes > MOST_CLASSES:
        raise DataSetError(
            f"{classes} classes of which some are not drawn in every image are too many: {MOST_CLASSES} are possible; "
            "train on fewer, or leave out the column of drawn classes"
        )
    return sum(1 << number for number in range(1, classes) if number not in drawn)


def unknown_background(classes: NDArray[np.int64], undrawn: int) -> NDArray[np.int64]:
    """Return classes (*S) in which the background says that it may be any class of `undrawn`."""
    return np.where(classes == 0, ~undrawn, classes) if undrawn else classes


def marginal(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Merge background and classes that were not drawn, sample by sample, for any loss of logits and classes.

    Parameters
    ----------
    logits
        (N, classes, *S).
    targets
        (N, *S) integers, in which :func:`unknown_background` may have marked the background.

    Returns
    -------
    logits, targets
        Of the same shapes. Where nothing was marked, they are those that came. Else the softmax of the logits gives the
        background the sum of its own and the undrawn classes' probabilities (Shi et al., equation 3), these 0, and the
        others what they had; and a marked background is 0 again.
    """
    bits = (~targets).flatten(1).amax(1)
    if not bool((bits > 0).any()):
        return logits, targets
    numbers = torch.arange(logits.shape[1], device=bits.device)
    undrawn = ((bits.clamp(min=0)[:, None] >> numbers) & 1).bool()  # N, classes
    undrawn = undrawn.reshape(*undrawn.shape, *(1 for _ in targets.shape[1:]))
    log_p = F.log_softmax(logits.float(), 1)
    merged = torch.cat([undrawn[:, :1] | True, undrawn[:, 1:]], 1)
    background = log_p.masked_fill(~merged, -torch.inf).logsumexp(1, keepdim=True)
    others = log_p[:, 1:].masked_fill(undrawn[:, 1:], -torch.inf)
    return torch.cat([background, others], 1), targets.masked_fill(targets < IGNORED, 0)


def without_undrawn(found: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return what is compared where some classes were not drawn: they count as background in what was found, too.

    Parameters
    ----------
    found, targets
        Classes of one image, of equal shape; targets as for :func:`marginal`.
    """
    bits = int((~targets).max())
    if bits <= 0:
        return found, targets
    undrawn = torch.tensor([number for number in range(1, bits.bit_length()) if bits >> number & 1])
    kept = found.masked_fill(torch.isin(found, undrawn.to(found)), 0)
    return kept, targets.masked_fill(targets < IGNORED, 0)
