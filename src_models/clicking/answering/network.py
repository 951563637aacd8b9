"""A network of clicks made ready to answer."""

from __future__ import annotations

from threading import Lock
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from src_models.attention.recording import AttentionMap, record_attention
from src_models.clicking.prompts import PROMPT_CHANNELS
from src_models.computing.execution import choose_execution, prepare
from src_models.errors import UserError
from src_models.models.architectures import attention_names
from src_models.models.checkpoint import Model
from src_models.nets.network import Network

__all__ = ["ClickNetwork"]


class ClickNetwork:
    """What turns a square of an image and what a person gave into probabilities.

    Parameters
    ----------
    model
        A model of clicks.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Raises
    ------
    UserError
        If the model takes no clicks.
    """

    def __init__(self, model: Model, device: str = "auto") -> None:
        if model.header.prompts != PROMPT_CHANNELS:
            raise UserError(
                f"the model {model.header.name!r} takes no clicks: choose a model of clicks, such as the one that ships"
            )
        self.model = model
        self.size = model.header.tile[-1]
        self._execution = choose_execution(device)
        self._network = prepare(model.network, self._execution)
        self._lock = Lock()  # several images may be clicked in, each from a thread of its own

    def __call__(self, images: NDArray[np.float32], given: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probability of the object.

        Parameters
        ----------
        images
            Normalised squares, (N, C, size, size).
        given
            Positive and negative places, and the previous answer, (N, 3, size, size).

        Returns
        -------
        ndarray, shape (N, size, size)
        """
        batch = torch.from_numpy(np.concatenate([images, given], axis=1))
        with self._lock:
            found: NDArray[np.float32] = self._execution(self._network, batch)[:, 1].cpu().numpy()
        return found

    def with_features(
        self, image: NDArray[np.float32], given: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the probability of the object in one square, and the finest features of which it was made.

        Parameters
        ----------
        image
            The normalised square, (C, size, size).
        given
            Positive and negative places, and the previous answer, (3, size, size).

        Returns
        -------
        probability : ndarray, shape (size, size)
        features : ndarray, shape (D, size, size)
            What is coarser is brought to the grid.
        """
        kept: list[Tensor] = []
        head = cast(Network, self._network).finest_head()
        batch = torch.from_numpy(np.concatenate([image, given])[None])
        with self._lock:
            handle = head.register_forward_pre_hook(lambda _module, inputs: kept.append(inputs[0]))
            try:
                found: NDArray[np.float32] = self._execution(self._network, batch)[0, 1].cpu().numpy()
            finally:
                handle.remove()
        stride = -(-len(found) // kept[0].shape[-1])  # what was padded at its far ends has cells beyond the grid
        features = F.interpolate(kept[0].float(), scale_factor=stride, mode="bilinear", align_corners=False)
        return found, np.ascontiguousarray(features[0, :, : len(found), : len(found)].cpu().numpy())

    def attention(self, image: NDArray[np.float32], given: NDArray[np.float32]) -> list[AttentionMap]:
        """Return the attention maps, finest first, with which one square (C, size, size) is answered.

        Of the matrices of axial attention, there is what each place receives.
        """
        header = self.model.header
        batch = torch.from_numpy(np.concatenate([image, given])[None])
        with self._lock, record_attention(self._network, attention_names(header.architecture, header.config)) as record:
            self._execution(self._network, batch)
            return list(record)
