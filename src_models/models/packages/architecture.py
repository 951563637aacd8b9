"""The record of networks that came as an ONNX graph: what they are is known to who made them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from src_models.nets.architecture import Architecture, Config

if TYPE_CHECKING:
    from torch import nn

__all__ = ["ONNX_GRAPH", "OnnxGraphArchitecture"]


class OnnxGraphArchitecture(Architecture):
    """Networks that are run as they were given: they have no maps of attention, and nothing of them learns."""

    def make(self, **config: Any) -> nn.Module:
        """Return a network whose graph is still to be filled in."""
        from src_models.models.packages.graph_network import GraphNetwork

        return GraphNetwork(**config)

    def window(self, config: Config) -> int | None:
        """Return the side (px) of images, where the graph takes no other."""
        return self.largest(config)

    def largest(self, config: Config) -> int | None:
        """Return the side (px) of images, where the graph takes no other."""
        fixed = [
            least - 2 * margin
            for least, step, margin in zip(config["least"], config["step"], config["margin"], strict=True)
            if not step
        ]
        return max(fixed) if fixed else None


ONNX_GRAPH = OnnxGraphArchitecture(
    name="onnx-graph",
    line="A network of other programs, as an ONNX graph that onnxruntime runs",
    paper="",
    family="ONNX graphs",
)
