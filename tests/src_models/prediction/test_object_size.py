"""Sizes of objects, and the zoom that a network needs for them."""

import numpy as np
import pytest
import torch

from src_models.computing.execution import Execution
from src_models.errors import UserError
from src_models.images.model_image import ModelImage
from src_models.models.header import Intensity, ModelHeader
from src_models.prediction.object_size import choose_zoom, size_steps

CPU = Execution(torch.device("cpu"), torch.float32, 1)


class Brightness(torch.nn.Module):
    """A network that takes what is bright for the interior of an object."""

    def forward(self, x):
        return 12 * torch.cat([0.5 - x, x - 0.5, -torch.ones_like(x)], 1)


def header(config=None, architecture="unet", **fields):
    fields = {"result": "instances", "object_diameter": 20.0, "diameter_range": (10.0, 40.0), **fields}
    classes = ("background", "interior", "boundary")
    window = Intensity(kind="window", low=0, high=100)
    if fields.get("dimensions") == 3:
        fields |= {"tile": (64,) * 3, "overlap": (8,) * 3}
    return ModelHeader(
        name="m",
        purpose="",
        architecture=architecture,
        config=config or {},
        classes=classes,
        channels=("grey",),
        intensity=window,
        **fields,
    )


def source_of(image, described):
    return ModelImage(image, described, axes="ZYX"[-image.ndim :], name="image").plane(())


def disks(diameter, size, dimensions=2):
    """Disks (or balls) of one diameter on a grid, a diameter apart."""
    axis = (np.arange(size) + 0.5) % (2 * diameter) - diameter
    distance = np.sqrt(sum(np.meshgrid(*[axis**2] * dimensions, indexing="ij")))
    return (100 * (distance < diameter / 2)).astype(np.float32)


def size_of(image, network, described, diameter=None, tile=None):
    """Run the search for a size to its end."""
    steps = size_steps(source_of(image, described), network, CPU, described, diameter, tile or described.tile)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("diameter", [6, 8, 12, 20, 33, 60, 100])
def test_the_diameter_of_disks_is_estimated(diameter):
    described = header()
    found = size_of(disks(diameter, 900), Brightness(), described).diameter
    assert found == pytest.approx(diameter, rel=0.15)


def test_a_network_that_takes_nothing_larger_than_its_window_is_shown_no_more():
    network, sizes = Brightness(), []
    network.register_forward_pre_hook(lambda _, inputs: sizes.append(tuple(inputs[0].shape[2:])))
    described = header({"image_size": 128, "compatible": True}, "medt", tile=(128, 128), overlap=(32, 32))
    assert size_of(disks(6, 300), network, described).diameter == pytest.approx(6, rel=0.15)
    assert sizes == [(128, 128), (128, 128), (128, 128), (75, 75), (128, 128)]


@pytest.mark.parametrize("diameter", [12, 20])
def test_the_diameter_of_balls_is_estimated(diameter):
    described = header(dimensions=3)
    found = size_of(disks(diameter, 90, 3), Brightness(), described).diameter
    assert found == pytest.approx(diameter, rel=0.15)


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(np.zeros((200, 200), np.float32), id="nothing"),
        pytest.param(disks(30, 120)[:60, :60], id="fewer than three objects"),
        pytest.param(np.zeros((5, 5), np.float32), id="an image smaller than an object"),
    ],
)
def test_without_objects_there_is_no_estimate_and_no_zoom(image):
    described = header()
    source = source_of(image, described)
    assert size_of(image, Brightness(), described).diameter is None
    assert choose_zoom(source, Brightness(), CPU, described, None) == 1.0


def test_objects_of_a_size_the_network_does_not_know_are_zoomed_to_its_best_size():
    described = header()
    for diameter in (6, 60):
        zoom = choose_zoom(source_of(disks(diameter, 700), described), Brightness(), CPU, described, None)
        assert zoom == pytest.approx(20 / diameter, rel=0.15)
    assert choose_zoom(source_of(disks(25, 300), described), Brightness(), CPU, described, None) == 1.0


@pytest.mark.parametrize(("diameter", "zoom"), [(9.9, 20 / 9.9), (10, 2), (20, 1), (25, 0.8), (40, 0.5), (80, 0.25)])
def test_a_diameter_that_a_person_gives_is_taken(diameter, zoom):
    described = header()
    source = source_of(disks(20, 200), described)
    assert choose_zoom(source, Brightness(), CPU, described, diameter) == pytest.approx(zoom)


def test_a_model_that_does_not_depend_on_size_never_zooms():
    for fields in ({"object_diameter": None}, {"diameter_range": None}):
        described = header(**fields)
        assert choose_zoom(source_of(disks(20, 200), described), Brightness(), CPU, described, 500) == 1.0


def test_a_model_that_learnt_images_at_their_own_scale_zooms_only_where_a_person_gives_a_diameter():
    described = header(estimates_diameter=False)
    source = source_of(disks(60, 700), described)
    assert choose_zoom(source, Brightness(), CPU, described, None) == 1.0
    assert choose_zoom(source, Brightness(), CPU, described, 60) == pytest.approx(1 / 3)


def test_the_size_of_a_class_is_not_estimated_but_may_be_given():
    described = header(result="semantic")
    source = source_of(disks(60, 300), described)
    assert choose_zoom(source, Brightness(), CPU, described, None) == 1.0
    assert choose_zoom(source, Brightness(), CPU, described, 80) == 0.25


@pytest.mark.parametrize("diameter", [0, -1, float("inf"), float("nan")])
def test_a_diameter_that_is_none_is_refused(diameter):
    described = header()
    with pytest.raises(UserError, match="must be a number of pixels above 0"):
        choose_zoom(source_of(disks(20, 60), described), Brightness(), CPU, described, diameter)


def test_no_more_than_the_middle_of_a_large_image_is_looked_at():
    asked = []

    class Watched(np.ndarray):
        def __getitem__(self, index):
            asked.append(index)
            return super().__getitem__(index)

    described = header()
    source = source_of(disks(20, 2600).view(Watched), described)
    asked.clear()  # what was read to measure its intensities
    choose_zoom(source, Brightness(), CPU, described, None)
    for rows, columns in asked:
        for part in (rows, columns):
            assert part.start >= 0
            assert part.stop <= 2600
            assert part.stop - part.start < 512 / 0.25 + 40
            assert abs((part.start + part.stop) / 2 - 1300) < 10


class Texture(torch.nn.Module):
    """A network that sees discs of 12 px wherever it looks, at any scale, and is surer of them in smoother images."""

    def forward(self, x):
        rows, columns = (torch.arange(size, device=x.device) % 24 - 12.0 for size in x.shape[2:])
        disc = (rows[:, None] ** 2 + columns**2 < 36).float() - 0.5
        sureness = 0.5 / x.diff(dim=-1).abs().mean().clamp_min(1e-3)
        return sureness * torch.stack([-disc, disc, -torch.ones_like(disc)])[None].expand(len(x), -1, -1, -1)


def noise(size):
    return np.random.default_rng(0).uniform(0, 100, (size, size)).astype(np.float32)


def test_an_image_is_not_resized_where_what_is_then_seen_does_not_bear_the_size_out():
    """At double scale the discs are surest, so they seem to be of 6 px; enlarged for that, of 3.6, and so on."""
    zooms = []

    class Watched(Texture):
        def forward(self, x):
            zooms.append(x.shape[-1] / 150)
            return super().forward(x)

    described = header(tile=(2048, 2048), diameter_range=(10.0, 30.0))
    found = size_of(noise(150), Watched(), described)
    assert (found.zoom, found.diameter) == (1.0, None)
    assert "could not be told: give the object size" in found.note
    assert len(zooms) <= 4 + 3
    assert max(zooms) <= 8


def test_the_size_that_is_said_is_that_of_what_will_be_found():
    """Discs of 14 px are seen at double scale, too, where each looks like one of 28 px."""
    described = header()
    found = size_of(disks(14, 400), Brightness(), described)
    assert found.zoom == 1.0
    assert found.diameter == pytest.approx(14, rel=0.05)
    assert not found.note


@pytest.mark.parametrize(
    ("shape", "diameter", "zoom"),
    [
        pytest.param((100, 120), 1.0, 8.0, id="too small objects"),
        pytest.param((100, 120), 1000.0, 0.16, id="too large ones, of which an image of 16 px would be left"),
        pytest.param((4096, 8192), 5.0, 2**0.5, id="too many pixels"),
        pytest.param((9000, 9000), 10.0, 1.0, id="too many pixels even before"),
        pytest.param((9000, 9000), 40.0, 0.5, id="a large image may be reduced"),
        pytest.param((10, 10), 40.0, 1.0, id="so small an image is not reduced"),
    ],
)
def test_the_zoom_for_a_given_size_is_bounded_and_that_is_said(shape, diameter, zoom):
    described = header()
    found = size_of(np.broadcast_to(np.float32(0), shape), Brightness(), described, diameter)
    assert found.zoom == pytest.approx(zoom)
    assert found.diameter == diameter
    kept = zoom == pytest.approx(20 / diameter)
    assert kept == (not found.note)
    if not kept:
        assert f"For objects of {diameter:g} px the image would be resized {20 / diameter:.2g} times" in found.note


def test_before_and_after_each_tile_that_is_looked_at_there_is_a_step():
    """So a run can be cancelled within a tile: what is closed asks the network for nothing more."""
    network, asked = Brightness(), []
    network.register_forward_pre_hook(lambda _, inputs: asked.append(tuple(inputs[0].shape[2:])))
    described = header(tile=(64, 64), overlap=(16, 16))
    image = disks(6, 300)
    steps = size_steps(source_of(image, described), network, CPU, described, None, (64, 64))
    next(steps)
    assert asked == [], "before the first tile"
    for count in range(1, 8):
        next(steps)
        assert len(asked) == count
    steps.close()
    assert len(asked) == 7
    assert set(asked) == {(64, 64)}
