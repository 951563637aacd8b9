"""What an ONNX graph tells of itself."""

import pytest
import torch
from zoo_package import graph_of, plain_unet

from src_models.errors import ModelFileError
from src_models.models.packages.graph import graph_facts

onnx = pytest.importorskip("onnx")


class Joined(torch.nn.Module):
    def forward(self, image):
        return torch.softmax(image, dim=1).transpose(2, 3)


@pytest.mark.parametrize(
    ("network", "wanted"),
    [
        (plain_unet(activation=torch.nn.Sigmoid()), "sigmoid"),
        (plain_unet(activation=torch.nn.Softmax(dim=1)), "softmax"),
        (plain_unet(), "none"),
        (Joined().eval(), "softmax"),
    ],
    ids=["sigmoid", "softmax", "none", "transposed"],
)
def test_the_last_operation_tells_what_values_are(network, wanted):
    assert graph_facts(graph_of(network, (1, 1, 32, 32))).activation == wanted


def changed(change):
    model = onnx.load_model_from_string(graph_of(plain_unet(), (1, 1, 32, 32)))
    change(model)
    return model.SerializeToString()


def elsewhere(model):
    model.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL


def foreign(model):
    model.graph.node[0].domain = "somebody"


def whole_numbers(model):
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8


def two_outputs(model):
    model.graph.output.append(model.graph.output[0])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (elsewhere, "a file beside the graph"),
        (foreign, "operations of somebody"),
        (whole_numbers, "whole numbers"),
        (two_outputs, "1 inputs and 2 outputs"),
    ],
)
def test_graphs_that_are_not_run_are_refused(change, why):
    with pytest.raises(ModelFileError, match=why):
        graph_facts(changed(change))


def test_notes_are_read_and_what_is_no_graph_is_told():
    noted = changed(lambda model: onnx.helper.set_model_props(model, {"a": "b"}))
    assert graph_facts(noted).notes == {"a": "b"}
    with pytest.raises(ModelFileError, match="cannot be read"):
        graph_facts(b"nothing of this kind")
