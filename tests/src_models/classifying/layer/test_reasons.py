"""What speaks for the class of an object, and where the network looks: maps lie where the network looked."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from grey_classifiers import grey_classifier, grey_header

from src_models.attention.cell_map import cell_maps
from src_models.attention.recording import record_attention
from src_models.classifying.layer.layer_run import ClassRun, class_steps
from src_models.classifying.layer.reasons import Reasons
from src_models.errors import UserError
from src_models.images.region import Region
from src_models.models.checkpoint import save
from src_models.nets.tap import TOKENS, WINDOWS
from src_models.progress import finish

SIZE = 64


@pytest.fixture(scope="module")
def bright_path(tmp_path_factory):
    """A model whose class "bright" is spoken for by bright places alone."""
    model = grey_classifier(grey_header("bright", ("dark", "bright"), SIZE))
    network = model.network
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d):
                module.weight.zero_()
                module.weight[:, 0] = 1.0 / module.weight[0, 0].numel()  # the mean of what lies around
        last = next(module for module in network.modules() if isinstance(module, torch.nn.Linear))
        last.weight.zero_()
        last.bias.zero_()
        last.weight[1, 0] = 1.0
    return save(model, tmp_path_factory.mktemp("models") / "bright.safetensors")


def run(path, image, letters="YX", index=None, **how):
    region = Region(letters, index or tuple(slice(0, size) for size in image.shape), image.shape, rgb=False)
    asked = ClassRun(model=path, data=image, region=region, layer_id=1, layer_name="image", **how)
    return finish(class_steps(asked))


def brightest(reason):
    """Return where the map is highest, in pixels of the cut-out: the middle of all that is as high."""
    placed = reason.map
    rows, columns = np.nonzero(placed.data >= placed.data.max() * (1 - 1e-6))
    return placed.translate[0] + rows.mean() * placed.scale[0], placed.translate[1] + columns.mean() * placed.scale[1]


@pytest.mark.parametrize("zoom", [1.0, 2.0])
def test_over_an_object_the_map_is_high_where_what_speaks_for_it_is(bright_path, zoom):
    image, labels = np.zeros((150, 200), np.float32), np.zeros((150, 200), np.int32)
    labels[60:80, 80:100] = 7
    spot = (70 + round(24 / zoom), 90 - round(24 / zoom))  # below the middle of the object, to the left
    image[spot[0] - 2 : spot[0] + 3, spot[1] - 2 : spot[1] + 3] = 1.0
    result = run(bright_path, image, looked_at="objects", labels=labels, zoom=zoom)
    reason = Reasons(result, 7).relevance("bright")
    assert (reason.own, reason.title) == (7, "speaks for bright")
    assert np.abs(np.subtract(brightest(reason), spot)).max() <= 16 / zoom  # half a cell of the network
    first = np.array(reason.map.translate) - np.array(reason.map.scale) / 2
    np.testing.assert_allclose(np.array(reason.map.data.shape) * reason.map.scale, SIZE / zoom)
    np.testing.assert_allclose(first + SIZE / zoom / 2, (69.5, 89.5), atol=0.5)  # around the middle of the object


def test_over_a_tile_and_over_a_plane_of_a_stack_it_lies_there(bright_path):
    image = np.zeros((2, 64, 128), np.float32)
    image[1, 46:51, 110:115] = 1.0
    whole = (slice(0, 2), slice(0, 64), slice(0, 128))
    tiles = run(bright_path, image, "ZYX", whole, looked_at="tiles", tile=64)
    reason = Reasons(tiles, 4).relevance("bright")
    assert reason.region.index == (1, slice(0, 64), slice(0, 128))
    assert np.abs(np.subtract(brightest(reason), (48, 112))).max() <= 16
    assert np.array(reason.map.translate).tolist() == [0, 64]
    planes = run(bright_path, image, "ZYX", whole, looked_at="image")
    reason = Reasons(planes, 2).relevance("bright")
    assert reason.region.index[0] == 1
    assert reason.map.data.shape == (32, 64)  # without the room that was added above and below
    np.testing.assert_allclose((reason.map.scale, reason.map.translate), ((2, 2), (0.5, 0.5)))


def test_of_a_class_that_the_model_does_not_know_there_is_nothing_to_tell(bright_path):
    result = run(bright_path, np.zeros((64, 64), np.float32), looked_at="image")
    with pytest.raises(UserError, match="does not know the class 'odd'"):
        Reasons(result, 1).relevance("odd")


def test_a_network_without_attention_offers_none(bright_path):
    result = run(bright_path, np.zeros((64, 64), np.float32), looked_at="image")
    assert (result.maps, result.views) == ([], [])
    with pytest.raises(UserError, match="has no attention 'layer 1'; it has none"):
        Reasons(result, 1).look("layer 1")


# Windows of 4 and 3 cells; a cell of stage 1 is 4 px of the picture, and one of stage 2 is 8.
CONFIGS = {
    "med-former": {"width": 8, "head_channels": 4, "stages": 2, "windows": (4, 3)},
    "swin": {"width": 8, "head_channels": 4, "stages": 2, "windows": (4, 3)},
    "vit": {"width": 8, "depth": 2, "heads": 2, "patch": 8, "image_size": SIZE},
}


@pytest.fixture(scope="module")
def attending(tmp_path_factory):
    """Return a function that makes a model of attention of an architecture, and gives network and file."""

    def make(architecture):
        options = CONFIGS[architecture]
        header = grey_header("attending", ("dark", "bright"), SIZE, architecture=architecture, options=options)
        model = grey_classifier(header)
        folder = tmp_path_factory.mktemp("models")
        return model.network, save(model, folder / f"{architecture}.safetensors")

    return make


@pytest.mark.parametrize("architecture", list(CONFIGS))
def test_all_that_is_offered_of_a_network_was_recorded_of_it(attending, architecture):
    network, path = attending(architecture)
    result = run(path, np.random.default_rng(0).random((SIZE, SIZE), np.float32), looked_at="image")
    with torch.inference_mode(), record_attention(network) as attention:
        network(torch.zeros(1, 1, SIZE, SIZE))
    assert result.views == cell_maps(attention)
    assert result.heads == {view: attention[f"{view} matrix"].shape[-3] for view in result.views}
    assert set(result.maps) == {each.name for each in attention if each.kind not in (WINDOWS, TOKENS)}
    reasons = Reasons(result, 1)
    for name in result.maps:
        assert reasons.recorded(name).map.data.shape == (SIZE, SIZE)
    for view in result.views:
        assert reasons.look(view).map.data.max() > 0


def test_where_a_layer_looks_is_the_row_of_its_matrix_put_around_the_object(attending):
    network, path = attending("med-former")
    image, labels = np.random.default_rng(0).random((150, 200), np.float32), np.zeros((150, 200), np.int32)
    labels[60:80, 80:100] = 7  # the model sees the rows 38 to 101 and the columns 58 to 121
    result = run(path, image, looked_at="objects", labels=labels)
    with torch.inference_mode(), record_attention(network) as attention:
        network(torch.from_numpy(image[None, None, 38:102, 58:122]))
    reasons = Reasons(result, 7)
    # Row 41, column 80 of the image are row 3, column 22 of the picture: the cell (0, 5), in the second window of 4.
    found = reasons.look("large window 1.1", (41, 80))
    row = attention["large window 1.1 matrix"].tensor[0, 1].mean(0)[0 * 4 + 1]  # its second place
    by_hand = np.zeros((150, 200), np.float32)
    for place, weight in enumerate(row.tolist()):
        top, left = 38 + 4 * (place // 4), 58 + 16 + 4 * (place % 4)
        by_hand[top : top + 4, left : left + 4] = weight
    np.testing.assert_allclose(on_image(found, (150, 200)), by_hand, atol=1e-6)
    assert found.query == (38 + 1.5, 58 + 5 * 4 + 1.5)  # the middle of the cell
    of_heads = [on_image(reasons.look("large window 1.1", (41, 80), head), (150, 200)) for head in range(2)]
    np.testing.assert_allclose(np.mean(of_heads, axis=0), by_hand, atol=1e-6)
    second = attention["large window 1.1 matrix"].tensor[0, 1, 1, 1]
    assert of_heads[1][38 + 4, 58 + 16 + 8] == pytest.approx(float(second[1 * 4 + 2]), abs=1e-6)
    assert reasons.look("large window 1.1", (41, 80), 1).title.endswith("(way 2)")
    with pytest.raises(UserError, match="has the heads 0 to 1, not 2"):
        reasons.look("large window 1.1", (41, 80), 2)
    assert found.title == "Stage 1.1, large windows: where it looks from here"
    middle = reasons.look("large window 1.1")
    assert np.abs(np.subtract(middle.query, (69.5, 89.5))).max() <= 2.5
    received = reasons.recorded("small window 1.1 received")
    cells = attention["small window 1.1 received"].tensor[0, 0].numpy()
    np.testing.assert_allclose(
        on_image(received, (150, 200))[38:102, 58:122], np.kron(cells, np.ones((4, 4))), atol=1e-5
    )
    assert received.query is None
    with pytest.raises(UserError, match="outside of what the model saw"):
        reasons.look("large window 1.1", (20, 80))
    with pytest.raises(UserError, match="has no map 'gate 2'"):
        reasons.recorded("gate 2")


def on_image(found, shape):
    """Return a map whose pixels are those of the image, put where it says that it lies; 0 elsewhere."""
    np.testing.assert_allclose(found.map.scale, 1)
    whole = np.zeros(shape, np.float32)
    top, left = (round(first) for first in found.map.translate)
    height, width = found.map.data.shape
    whole[top : top + height, left : left + width] = found.map.data
    return whole
