"""A network that is an ONNX graph, which onnxruntime runs: images of any size to logits, as every other one does.

A graph is data: nodes out of a fixed list of operations. Running one executes no code of who made it.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from src_models.errors import UserError
from src_models.models.packages.fixed_steps import apply
from src_models.models.packages.logits import to_logits
from src_models.nets.network import Network
from src_models.nets.padding import cropped_like

__all__ = ["GraphNetwork"]

_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}


class GraphNetwork(Network):
    """An ONNX graph with one input and one output.

    Parameters
    ----------
    in_channels, classes, dimensions
        As of any network; `classes` counts the logits that it gives.
    graph_bytes
        Size of the graph, which is a buffer of the network.
    least, step
        Sides (px) that the graph takes: the least, and any number of steps more; 0 where there is no other.
    margin
        How many px of each side its output lacks; images are continued by that much.
    tied
        Whether all sides must be of as many steps.
    input_axes, output_axes
        Order of its axes, such as ``"bcyx"``; b and c may be missing.
    before, after
        Steps (:mod:`src_models.models.packages.fixed_steps`) on what goes in and what comes out.
    meaning
        What then comes out (:func:`src_models.models.packages.logits.to_logits`), and `order`, of which channels.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        classes: int,
        dimensions: int,
        graph_bytes: int,
        least: Sequence[int],
        step: Sequence[int],
        margin: Sequence[int],
        input_axes: str,
        output_axes: str,
        before: Sequence[Sequence[Any]] = (),
        after: Sequence[Sequence[Any]] = (),
        meaning: str = "logits",
        order: Sequence[int] = (),
        tied: bool = False,
    ) -> None:
        super().__init__()
        self.in_channels, self.classes, self.dimensions = in_channels, classes, dimensions
        self._least, self._step, self._margin = tuple(least), tuple(step), tuple(margin)
        self._input_axes, self._output_axes = input_axes, output_axes
        self._before, self._after, self._tied = before, after, tied
        self._meaning, self._order = meaning, tuple(order)
        self.stride = int(np.lcm.reduce([max(1, one) for one in step]))
        self.graph: Tensor
        self.register_buffer("graph", torch.zeros(graph_bytes, dtype=torch.uint8))
        #: What it gives passes through here, and is all that it tells of what an image looks like to it.
        self.given = nn.Identity()
        self._session: Any = None

    def deepest(self) -> nn.Module:
        """Return the module that its output passes through: what is further inside a graph is not looked at."""
        return self.given

    def finest_head(self) -> nn.Module:
        """Return the same module: its logits are the finest that is known of a graph."""
        return self.given

    def __deepcopy__(self, memo: dict[int, Any]) -> GraphNetwork:
        """Copy all but what runs the graph, which each copy begins anew."""
        copied = type(self).__new__(type(self))
        memo[id(self)] = copied
        state = {name: value for name, value in self.__dict__.items() if name != "_session"}
        copied.__dict__.update(copy.deepcopy(state, memo), _session=None)
        return copied

    def forward(self, image: Tensor) -> Tensor:
        """Return logits (N, classes, *S) of images (N, in_channels, *S), one image after the other.

        Raises
        ------
        UserError
            If an image or tile is larger than the only size that the graph takes, or onnxruntime is missing.
        """
        ready = apply(self._continued(image.float()), self._before).cpu().numpy()
        found = np.stack([self._run(one) for one in ready])
        values = apply(torch.from_numpy(np.asarray(found, np.float32)).to(image.device), self._after)
        logits = to_logits(values, self._meaning, self._order)
        return cropped_like(self.given(logits), image)

    def _continued(self, image: Tensor) -> Tensor:
        """Continue images by their last rows and columns, to a size that the graph takes."""
        sides = image.shape[2:]
        steps = [
            max(0, -(-(side + 2 * margin - least) // (step or 1)))
            for side, least, step, margin in zip(sides, self._least, self._step, self._margin, strict=True)
        ]
        if any(count and not step for count, step in zip(steps, self._step, strict=True)):
            taken = (least - 2 * margin for least, margin in zip(self._least, self._margin, strict=True))
            raise UserError(
                f"a tile of {' x '.join(map(str, sides))} px is too large: this network takes at most "
                f"{' x '.join(map(str, taken))} px"
            )
        if self._tied:
            steps = [max(steps)] * len(steps)
        pads: list[int] = []
        for side, least, step, margin, count in reversed(
            list(zip(sides, self._least, self._step, self._margin, steps, strict=True))
        ):
            pads += [margin, least + count * step - side - margin]
        return F.pad(image, pads, mode="replicate") if any(pads) else image

    def _run(self, image: NDArray[np.float32]) -> NDArray[Any]:
        """Run the graph on one image (C, *S) and return (K, *S)."""
        if self._session is None:
            self._session = _begun(self.graph.cpu().numpy().tobytes())
        (asked,) = self._session.get_inputs()
        given = _ordered(image[None], self._input_axes).astype(_TYPES[asked.type])
        found = self._session.run(None, {asked.name: given})[0]
        return np.asarray(_canonical(np.asarray(found), self._output_axes)[0])


def _begun(graph: bytes) -> Any:
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise UserError(
            "this model is an ONNX graph, and the package that runs it is not installed; install it with pip install "
            "'napari-medt[export]'"
        ) from error

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _ordered(image: NDArray[Any], axes: str) -> NDArray[Any]:
    """Bring (1, C, *S) into the order of some axes; those of length 1 that they lack are dropped."""
    usual = "bc" + "zyx"[-(image.ndim - 2) :]
    kept = [letter for letter in usual if letter in axes]
    image = np.asarray(image[tuple(slice(None) if letter in axes else 0 for letter in usual)])
    return np.ascontiguousarray(image.transpose([kept.index(letter) for letter in axes]))


def _canonical(found: NDArray[Any], axes: str) -> NDArray[Any]:
    """Bring what has some axes into the order (1, K, *S)."""
    spatial = "".join(letter for letter in "zyx" if letter in axes)
    found = found.transpose([axes.index(letter) for letter in "bc" + spatial if letter in axes])
    whole = tuple(slice(None) if letter in axes else None for letter in "bc" + spatial)
    return np.asarray(found[whole])
