"""What an ONNX graph tells of itself before it is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from src_models.errors import ModelFileError, UserError
from src_models.models.packages.meaning import Activation

__all__ = ["GraphFacts", "graph_facts"]

_PASSING = {"Identity", "Cast", "Transpose", "Reshape", "Squeeze", "Unsqueeze"}
_FLOATS = {1: "float32", 10: "float16", 11: "float64"}


@dataclass(frozen=True, slots=True)
class GraphFacts:
    """What is known of a graph.

    Parameters
    ----------
    activation
        The last operation that changes values: softmax, sigmoid, or none of them.
    notes
        The texts in it, by name.
    """

    activation: Activation
    notes: dict[str, str]


def graph_facts(content: bytes) -> GraphFacts:
    """Read an ONNX graph.

    Raises
    ------
    ModelFileError
        If it is none, has several inputs or outputs, keeps weights in other files, or uses operations of its own.
    UserError
        If the packages that read and run it are missing.
    """
    onnx = _onnx()
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # of protobuf, whose errors have no common class
        raise ModelFileError("its ONNX weights cannot be read; get the package again") from error
    graph = model.graph
    stored = {each.name for each in graph.initializer}
    inputs = [each for each in graph.input if each.name not in stored]
    if len(inputs) != 1 or len(graph.output) != 1:
        raise ModelFileError(
            f"its ONNX graph has {len(inputs)} inputs and {len(graph.output)} outputs; networks with one of each are "
            "taken"
        )
    if inputs[0].type.tensor_type.elem_type not in _FLOATS:
        raise ModelFileError("its ONNX graph takes whole numbers; networks that take floating-point numbers are taken")
    if any(each.data_location == onnx.TensorProto.EXTERNAL for each in graph.initializer):
        raise ModelFileError("its ONNX weights lie in a file beside the graph; save them in one file (onnx.save does)")
    foreign = sorted({node.domain for node in graph.node} - {"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
    if foreign:
        raise ModelFileError(f"its ONNX graph uses operations of {foreign[0]}, which onnxruntime does not have")
    return GraphFacts(_activation(graph), {each.key: each.value for each in model.metadata_props})


def _onnx() -> Any:
    try:
        import onnx
        import onnxruntime  # noqa: F401  (which runs it)
    except ModuleNotFoundError as error:
        raise UserError(
            f"networks that are ONNX graphs need the package {error.name}, which is not installed; install it with "
            "pip install 'napari-medt[export]'"
        ) from error
    return onnx


def _activation(graph: Any) -> Activation:
    made_by = {name: node for node in graph.node for name in node.output}
    node = made_by.get(graph.output[0].name)
    while node is not None and node.op_type in _PASSING:
        node = made_by.get(node.input[0])
    return {"Softmax": "softmax", "Sigmoid": "sigmoid"}.get(node.op_type if node is not None else "", "none")  # type: ignore[return-value]
