"""The record of ONNX graphs."""

from src_models.models.architectures import ARCHITECTURES, find_architecture
from src_models.models.packages.architecture import ONNX_GRAPH


def test_it_is_found_by_name_and_offered_to_nobody():
    assert find_architecture("onnx-graph") is ONNX_GRAPH
    assert ONNX_GRAPH not in ARCHITECTURES
    assert ONNX_GRAPH.maps({}) == []


def test_a_graph_of_one_size_takes_no_larger_tiles():
    free = {"least": [32, 32], "step": [16, 16], "margin": [0, 0]}
    assert (ONNX_GRAPH.largest(free), ONNX_GRAPH.window(free)) == (None, None)
    fixed = {"least": [64, 64], "step": [0, 0], "margin": [4, 4]}
    assert (ONNX_GRAPH.largest(fixed), ONNX_GRAPH.window(fixed)) == (56, 56)
