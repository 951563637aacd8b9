"""How it is counted whether two ways to compute a network find the same."""

import numpy as np
from torch import nn

from benchmarks.equal_labels import Way, labels_differ
from src_models.computing.execution import choose_execution, prepare
from src_models.models.checkpoint import load


class Shifted(nn.Module):
    """A network whose background is less likely than it says."""

    def __init__(self, network, by):
        super().__init__()
        self.network, self.by, self.stride = network, by, network.stride

    def forward(self, image):
        logits = self.network(image)
        logits[:, 0] -= self.by
        return logits


def test_images_and_pixels_whose_labels_differ_are_counted():
    """The same way twice is equal; a background that gives way makes objects larger."""
    rows, columns = np.mgrid[:96, :96]
    discs = sum(((rows - y) ** 2 + (columns - x) ** 2 < 10**2) for y, x in ((25, 25), (60, 65)))
    images = [(discs * 200 + 20).astype(np.uint8), np.full((96, 96), 9, np.uint8)]
    execution = choose_execution("cpu")
    ways = {"ours": Way(prepare, execution), "again": Way(prepare, execution)}
    ways["shifted"] = Way(lambda network, execution: Shifted(prepare(network, execution), 3.0), execution)
    model = load("nuclei")
    found = labels_differ(model, images, ways, model.header.object_diameter)
    assert found["again"] == (2, 0, 2 * 96 * 96, 0)
    assert str(found["again"]) == "equal in all 2"
    assert found["shifted"].differing >= 1
    assert 10 < found["shifted"].differing_pixels < 96 * 96
