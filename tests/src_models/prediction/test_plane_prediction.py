"""One plane through a network, tile by tile: what blends, what is recorded, and what memory does to it."""

import dataclasses

import numpy as np
import pytest
import torch

from src_models.computing.execution import Execution
from src_models.disk.scratch import Scratch
from src_models.errors import UserError
from src_models.images.model_image import ModelImage
from src_models.models.header import Intensity, ModelHeader
from src_models.prediction.plane_prediction import MapSink, PlanePrediction

CPU = Execution(torch.device("cpu"), torch.float32, 4)
HEADER = ModelHeader(
    name="m",
    purpose="",
    architecture="unet",
    config={},
    classes=("background", "bright"),
    channels=("grey",),
    intensity=Intensity(kind="window", low=0, high=1),
    tile=(32, 32),
    overlap=(8, 8),
)


class Brightness(torch.nn.Module):
    """A network that looks at each pixel alone, so that tiles cannot change its answer; it counts what it is given."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def forward(self, x):
        self.batches.append(tuple(x.shape))
        return torch.cat([1 - x, x], 1) * 3


def predicted(
    image, network, *, header=HEADER, execution=CPU, tile=None, attention=(), plane=(), maps=None, zoom=1.0, flips=False
):
    """Return the probabilities of a plane, and the lines that were told."""
    source = ModelImage(image, header, axes="TZYX"[-image.ndim :]).plane(plane, zoom)
    room = np.zeros((2, *source.shape), np.float16)
    sink = maps or MapSink(Scratch(), ())
    prediction = PlanePrediction(
        source, network, execution, header, tile or header.tile, attention, sink, room, flips=flips
    )
    told = list(prediction.steps())
    assert len(told) == len(prediction)
    return room, told


def chance(image):
    """P(bright) by the formula of the softmax."""
    return 1 / (1 + np.exp(3 * (1 - 2 * image)))


@pytest.mark.parametrize("shape", [(20, 30), (32, 32), (33, 100), (150, 70)])
def test_tiles_blend_into_what_each_pixel_is_answered_alone(shape):
    image = np.random.default_rng(0).random(shape)
    found, told = predicted(image, Brightness())
    np.testing.assert_allclose(found[1], chance(image), atol=1e-3)
    np.testing.assert_allclose(found.sum(0), 1, atol=2e-3)
    assert set(told) == {"segmenting"}


def test_a_volume_is_blended_in_all_three_axes():
    image = np.random.default_rng(0).random((40, 50, 36))
    header = dataclasses.replace(HEADER, dimensions=3, tile=(16, 16, 16), overlap=(4, 4, 4))
    found, _ = predicted(image, Brightness(), header=header)
    np.testing.assert_allclose(found[1], chance(image), atol=1e-3)


def test_no_tile_is_larger_than_asked_and_batches_hold_no_more_than_they_may():
    network = Brightness()
    predicted(np.zeros((100, 100)), network, tile=(40, 40))
    assert max(shape[0] for shape in network.batches) <= 4
    assert max(max(shape[2:]) for shape in network.batches) <= 40
    assert sum(shape[0] for shape in network.batches) > len(network.batches), "several tiles go at once"


def test_where_memory_is_short_tiles_go_in_smaller_batches_and_nothing_is_added_twice():
    class Short(Brightness):
        def forward(self, x):
            if len(x) > 1:
                raise torch.OutOfMemoryError
            return super().forward(x)

    image = np.random.default_rng(0).random((70, 150))
    found, told = predicted(image, Short())
    np.testing.assert_allclose(found[1], chance(image), atol=1e-3)
    assert set(told) == {"segmenting 1 tile(s) at a time, since memory is short"}


def test_where_not_one_tile_fits_it_says_so():
    class Full(Brightness):
        def forward(self, x):
            raise torch.OutOfMemoryError

    with pytest.raises(UserError, match="does not hold one tile of 32 x 32 px; choose smaller tiles"):
        predicted(np.zeros((70, 70)), Full())


def test_maps_of_several_planes_lie_side_by_side_and_blend_like_the_rest(make_model):
    """Against the same network over the whole plane in one go, where no tile has an edge."""
    made = make_model(tile=(64, 64), overlap=(16, 16), intensity=Intensity(kind="window", low=0, high=1))
    image = np.random.default_rng(0).random((3, 60, 64)).astype(np.float32)
    maps = MapSink(Scratch(), (3,))
    for plane in range(3):
        predicted(image, made.network, header=made.header, attention=("gate 2",), plane=(plane,), maps=maps)
    (found,) = maps.found
    assert (found.name, found.data.shape) == ("gate 2", (3, 30, 32))
    assert found.stride == 2
    alone = MapSink(Scratch(), ())
    predicted(image[1], made.network, header=made.header, attention=("gate 2",), maps=alone)
    np.testing.assert_array_equal(found.data[1], alone.found[0].data)
    assert np.abs(found.data[1] - found.data[0]).max() > 0


def test_a_resized_plane_is_answered_at_its_own_scale():
    ramp = np.broadcast_to(np.linspace(0, 1, 60), (40, 60)).copy()
    found, _ = predicted(ramp, Brightness(), zoom=2.0)
    assert found.shape == (2, 80, 120)
    columns = np.clip((np.arange(120) + 0.5) / 2 - 0.5, 0, 59) / 59
    np.testing.assert_allclose(found[1, 40], chance(columns), atol=2e-3)


def test_a_tile_is_looked_at_from_four_sides_and_its_attention_is_that_of_one(make_model):
    made = make_model(tile=(64, 64), overlap=(16, 16), intensity=Intensity(kind="window", low=0, high=1))
    image = np.random.default_rng(0).random((60, 64)).astype(np.float32)
    answers, maps = {}, {}
    for flips in (False, True):
        sink = MapSink(Scratch(), ())
        answers[flips], _ = predicted(
            image, made.network, header=made.header, attention=("gate 2",), maps=sink, flips=flips
        )
        maps[flips] = sink.found[0].data
    np.testing.assert_array_equal(maps[True], maps[False])
    turned = [
        predicted(image[::y, ::x].copy(), made.network, header=made.header)[0][:, ::y, ::x]
        for y in (1, -1)
        for x in (1, -1)
    ]
    np.testing.assert_allclose(answers[True], np.mean(turned, 0), atol=2e-3)
    assert np.abs(answers[True] - answers[False]).max() > 0.01, "else the network has no side to prefer"


def test_where_memory_is_short_the_sides_are_looked_at_one_tile_at_a_time():
    class Short(Brightness):
        def forward(self, x):
            if len(x) > 1 and self.batches:
                raise torch.OutOfMemoryError
            return super().forward(x)

    image = np.random.default_rng(0).random((70, 150))
    found, _ = predicted(image, Short(), flips=True)
    np.testing.assert_allclose(found[1], chance(image), atol=1e-3)
