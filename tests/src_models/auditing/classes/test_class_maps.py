"""Maps of many pictures: the same, however many go through the network together."""

import numpy as np
import pytest
import torch

from src_models.attention.recording import record_attention
from src_models.auditing.classes.class_maps import ClassMaps, choose_class_maps
from src_models.classifying.relevance import class_relevance
from src_models.errors import UserError
from src_models.models.architectures import create
from src_models.models.header import ModelHeader

CONFIG = {"in_channels": 1, "classes": 3, "width": 8, "head_channels": 4, "stages": 1, "windows": (4, 3)}
HEADER = ModelHeader(
    name="tiny", purpose="tests", architecture="med-former", config=CONFIG, classes=("a", "b", "c"), channels=("grey",),
    tile=(30, 30), overlap=(0, 0), result="class",
)  # fmt: skip


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_each_picture_has_its_own_maps_of_the_class_that_is_asked_about(at_once):
    torch.manual_seed(0)
    network = create("med-former", **CONFIG).eval()
    batch = torch.rand(5, 1, 30, 30)
    classes = np.array([2, 0, 1, 1, 0])
    names = ["class relevance", "fusion 2 later", "large window 1.2 received"]
    found = ClassMaps(batch, classes, names, at_once=at_once).described(network)
    assert list(found) == names
    for number, asked in enumerate(classes.tolist()):
        one = batch[number : number + 1]
        relevance = class_relevance(network, one, asked)
        np.testing.assert_allclose(found[names[0]].values[number], relevance.cells[0], atol=1e-4)
        np.testing.assert_allclose(found[names[0]].pixels[number], relevance.at_image_resolution()[0], atol=1e-4)
        with torch.inference_mode(), record_attention(network) as attention:
            network(one)
        for name in names[1:]:
            recorded = attention[name]
            cells = recorded.tensor[0, 0].numpy()
            np.testing.assert_allclose(found[name].values[number], cells, atol=1e-4)
            whole = np.kron(cells, np.ones((recorded.stride, recorded.stride)))[:30, :30]
            np.testing.assert_allclose(found[name].pixels[number], whole, atol=1e-4)


def test_usual_maps_are_what_speaks_for_the_class_and_the_fusions_and_others_by_name():
    assert choose_class_maps(HEADER) == ["class relevance", "fusion 2 earlier", "fusion 2 later"]
    assert choose_class_maps(HEADER, ["small window 1.1 received"]) == ["small window 1.1 received"]
    with pytest.raises(UserError, match=r"no map 'gate 2'; it has class relevance, large window 1\.1"):
        choose_class_maps(HEADER, ["gate 2"])
