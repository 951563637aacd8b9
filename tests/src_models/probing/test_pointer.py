"""What a network attends to at a place, against recordings of the network, and against the maps of the run."""

import dataclasses
import gc

import dask.array
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src_models.attention.map_table import value_at
from src_models.attention.query_map import query_map
from src_models.attention.recording import record_attention
from src_models.computing.execution import choose_execution, prepare
from src_models.disk import scratch
from src_models.errors import UserError
from src_models.models.checkpoint import Model
from src_models.prediction.segment import segment
from src_models.probing.axial_probe import AxialProbe
from src_models.probing.pointer import AttentionPointer, View

pytestmark = pytest.mark.usefixtures("either_precision")
# In half precision a query or a key may be rounded the other way where fewer are projected at once.
ROUNDING = {torch.float32: 1e-7, torch.bfloat16: 2**-6}
GATES = {"widths": [3, 4, 4, 4], "subgates": 2}
RGB = ("red", "green", "blue")


def picture(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


@pytest.fixture
def axial(make_model):
    """Return a function that makes a model of axial attention for a small window, with random gates."""

    def make(name="gated-axial-unet", *, window=32, **header):
        made = make_model(name, config={"image_size": window}, tile=(window,) * 2, overlap=(window // 4,) * 2, **header)
        for key, tensor in made.network.named_parameters():
            if key.endswith(("g_q", "g_k", "g_v2")):
                tensor.data.uniform_(0.5, 1.5)
        return made

    return make


def lively(model):
    """Make gates that are far from equally open everywhere."""
    for gate in model.network.gates:
        for subgate in getattr(gate, "subgates", []):
            subgate.psi.weight.data *= 3
    return model


@pytest.fixture
def gated(make_model):
    """Return a function that makes an Attention U-Net with two sub-gates at each of two levels."""

    def make(config=GATES, **header):
        return lively(make_model(config=config, **header))

    return make


def sized(model, diameter):
    """The same model, made for objects of one diameter; another is brought to it by a zoom."""
    about = (diameter * 0.99, diameter * 1.01)
    return Model(model.network, dataclasses.replace(model.header, object_diameter=diameter, diameter_range=about))


def run(image, model, *, axes=None, attention=True, diameter=None, **options):
    """A run and the pointer that is made of it."""
    found = segment(image, model, axes=axes, attention=attention, diameter=diameter, device="cpu")
    return found, AttentionPointer(image, model, found, device="cpu", **options)


def recorded(model, image):
    """A recording of the network over an image that is no larger than the window."""
    execution = choose_execution("cpu")
    network = prepare(model.network, execution)
    low, high = np.percentile(image, (model.header.intensity.low, model.header.intensity.high))
    batch = torch.from_numpy(((np.clip(image, low, high) - low) / (high - low)).astype(np.float32))[None, None]
    with record_attention(network) as attention:
        execution(network, batch)
    return attention


def cell_of(pixel, step):
    """The cell, of so many pixels, whose square a pixel's centre lies in; found by search."""
    (cell,) = [n for n in range(1000) if n * step - 0.5 <= pixel < (n + 1) * step - 0.5]
    return cell


def centre_of(pixel, step):
    """The centre (px) of the cell that holds a pixel."""
    return (cell_of(pixel, step) + 0.5) * step - 0.5


# Networks of axial attention


@pytest.mark.parametrize("heads", [None, (2, 5)])
def test_a_block_looks_where_the_recorded_matrices_say(axial, heads, either_precision):
    made, image = axial("medt", window=64), picture(64, 64)
    _, pointer = run(image, made, attention=False)
    attention = recorded(made, image)
    for block in ("global 1.1", "global 2.2", "local 3.1"):
        cell = attention[f"{block} received"].stride
        for pixel in ((0, 0), (13, 50), (63, 31)):
            found = pointer.point(pixel, block, heads=heads)
            wanted = query_map(attention, block, (pixel[0] // cell, pixel[1] // cell), heads=heads)
            np.testing.assert_allclose(found.map.data, wanted.numpy(), ROUNDING[either_precision], 1e-5)
            assert found.map.scale == (cell, cell)
            assert found.map.translate == ((cell - 1) / 2, (cell - 1) / 2)
            assert found.query == tuple(centre_of(place, cell) for place in pixel)


def test_a_rollout_is_that_of_the_probe(axial):
    made, image = axial("medt", window=64), picture(64, 64)
    _, pointer = run(image, made, attention=False)
    probe = AxialProbe(image, made, device="cpu")
    for branch in ("global", "local"):
        found, wanted = pointer.point((40, 21), branch), probe.rollout((40, 21), branch)
        np.testing.assert_array_equal(found.map.data, wanted.weights)
        assert (found.map.scale, found.map.translate, found.query) == (wanted.scale, wanted.translate, wanted.query)


def test_every_block_and_branch_of_an_axial_network_can_be_looked_at(axial):
    made, image = axial("medt", window=64), picture(64, 64)
    _, pointer = run(image, made, attention=False)
    blocks = [name.removesuffix(" height") for name in recorded(made, image).names() if name.endswith(" height")]
    views = {view.name: view for view in pointer.views()}
    assert {name for name, view in views.items() if view.kind == "block"} == set(blocks)
    assert {name for name, view in views.items() if view.kind == "rollout"} == {"global", "local"}
    assert views["global 2.1"] == View(
        "global 2.1", "block", "Stage 2.1, whole view: where it looks from here", heads=8
    )
    assert views["local"].heads == 0


def test_values_are_those_of_the_recorded_maps_at_the_place(axial):
    """Against maps that are drawn at the size of the image, one pixel a cell."""
    found, pointer = run(picture(32, 24), axial(), attention=["block 1.1 received", "block 2.1 positions in output"])
    assert [placed.name for placed in pointer.maps] == [placed.name for placed in found.attention]
    for pixel in ((0, 0), (13, 10), (31, 23)):
        drawn = {
            placed.name: np.kron(placed.data, np.ones([int(step) for step in placed.scale]))[pixel]
            for placed in found.attention
        }
        assert len(set(drawn.values())) == 2
        assert pointer.point(pixel, "block 1.1").values == drawn


@pytest.mark.parametrize("axes", ["TYX", "YXT", "XTY"])
def test_a_plane_of_a_stack_answers_as_if_it_were_alone(axial, axes):
    made = axial()
    planes = [picture(24, 30, seed=seed) for seed in range(2)]
    stack = np.stack(planes).transpose(["TYX".index(letter) for letter in axes])
    _, pointer = run(stack, made, axes=axes, attention=["block 2.1 received"])
    assert pointer.shape == stack.shape
    row, column = 10, 29
    for plane, alone in enumerate(planes):
        where = {"T": plane, "Y": row, "X": column}
        _, single = run(alone, made, attention=["block 2.1 received"])
        for view in ("block 2.1", "block"):
            got = pointer.point([where[letter] for letter in axes], view)
            wanted = single.point((row, column), view)
            leading = axes.index("T")
            assert got.map.data.shape[leading] == 1
            weights = np.take(got.map.data, 0, leading)  # rows before columns, or the other way round
            wanted_weights = wanted.map.data if axes.index("Y") < axes.index("X") else wanted.map.data.T
            np.testing.assert_allclose(weights, wanted_weights, atol=1e-5)
            expected = {"T": (1.0, plane, plane)} | {
                letter: (wanted.map.scale[i], wanted.map.translate[i], wanted.query[i]) for i, letter in enumerate("YX")
            }
            assert got.map.scale == tuple(expected[letter][0] for letter in axes)
            assert got.map.translate == tuple(expected[letter][1] for letter in axes)
            assert got.query == tuple(expected[letter][2] for letter in axes)
            assert got.values == pytest.approx(wanted.values, abs=1e-4)


def test_a_resized_image_is_asked_in_its_own_pixels(axial):
    made, image = sized(axial(), 10.0), picture(50, 70)
    found, pointer = run(image, made, diameter=20.0, attention=["block 1.1 received"])
    assert found.provenance["settings"]["zoom"] == 0.5
    probe = AxialProbe(image, made, zoom=0.5, device="cpu")
    for pixel in ((0, 0), (37, 51), (49, 69)):
        got, wanted = pointer.point(pixel, "block 1.1"), probe.look(pixel, "block 1.1")
        np.testing.assert_array_equal(got.map.data, wanted.weights)
        assert got.map.scale == (4, 4)
        assert got.map.translate == wanted.translate
        assert got.query == tuple(centre_of(place, 4) for place in pixel)
        assert got.values == {"block 1.1 received": found.attention[0].data[cell_of(pixel[0], 4), cell_of(pixel[1], 4)]}


@pytest.mark.parametrize("axes", ["YXC", "CYX"])
def test_colours_are_no_axis_of_a_place(axial, axes):
    made, image = axial(channels=RGB), picture(24, 30, 3)
    image[..., 1] = 1 - image[..., 1] * np.linspace(0, 0.5, 30, dtype=np.float32)
    stored = image if axes == "YXC" else np.moveaxis(image, -1, 0)
    _, pointer = run(stored, made, axes=axes, attention=False)
    assert pointer.shape == (24, 30)
    got = pointer.point((20, 28), "block 2.1")
    wanted = AxialProbe(image, made, axes="YXC", device="cpu").look((20, 28), "block 2.1")
    np.testing.assert_array_equal(got.map.data, wanted.weights)
    assert got.query == wanted.query


def test_a_budget_that_is_set_later_is_kept_to(axial):
    corners = [(0, 0), (0, 59), (49, 0), (49, 59)]
    _, pointer = run(picture(50, 60), axial(), attention=False)
    first = [pointer.point(pixel, "block 1.1").map.data for pixel in corners]
    needed = pointer.kept_bytes
    pointer.set_budget(needed // 2)
    for pixel, wanted in zip(corners, first, strict=True):
        np.testing.assert_array_equal(pointer.point(pixel, "block 1.1").map.data, wanted)
        assert 0 < pointer.kept_bytes <= needed // 2


def test_a_lazy_image_is_asked_like_any_other(axial):
    made, image = axial(), picture(32, 32)
    _, pointer = run(image, made, attention=False)
    _, lazy = run(dask.array.from_array(image, chunks=16), made, attention=False)
    place = (25, 9)
    np.testing.assert_allclose(
        lazy.point(place, "block 1.1").map.data, pointer.point(place, "block 1.1").map.data, atol=1e-6
    )


# Networks of attention gates


def test_a_gate_shows_its_recorded_map(gated):
    found, pointer = run(picture(44, 60), gated())
    names = ["gate 2 map 1", "gate 2 map 2", "gate 3 map 1", "gate 3 map 2"]
    assert [view.name for view in pointer.views()] == names
    assert pointer.views()[2] == View("gate 3 map 1", "gate", "Medium detail let through, map 1")
    for placed, other in zip(found.attention, [*found.attention[1:], found.attention[0]], strict=True):
        got = pointer.point((13, 50), placed.name)
        np.testing.assert_array_equal(got.map.data, placed.data)
        assert not np.array_equal(got.map.data, other.data)
        assert (got.map.kind, got.map.level) == ("attention gate", placed.level)
        assert (got.map.scale, got.map.translate) == (placed.scale, placed.translate)
        step = 2 ** (placed.level - 1)
        assert got.query == (centre_of(13, step), centre_of(50, step))
        assert got.values == {each.name: value_at(each, (13, 50)) for each in found.attention}
        assert got.values[placed.name] == placed.data[13 // step, 50 // step]


@pytest.mark.parametrize("axes", ["TYX", "YXT", "XTY"])
def test_a_gate_shows_the_plane_that_is_asked_about(gated, axes):
    stack = picture(3, 20, 28).transpose(["TYX".index(letter) for letter in axes])
    found, pointer = run(stack, gated(), axes=axes)
    placed = found.attention[0]
    where = {"T": 2, "Y": 5, "X": 26}
    got = pointer.point([where[letter] for letter in axes], "gate 2 map 1")
    leading = axes.index("T")
    np.testing.assert_array_equal(got.map.data, np.take(placed.data, [2], leading))
    assert got.map.scale == placed.scale
    assert got.map.translate == tuple({"T": 2.0, "Y": 0.5, "X": 0.5}[letter] for letter in axes)
    assert got.query == tuple({"T": 2.0, "Y": 4.5, "X": 26.5}[letter] for letter in axes)
    cell = tuple({"T": 2, "Y": 2, "X": 13}[letter] for letter in axes)
    assert got.values["gate 2 map 1"] == placed.data[cell]


def test_a_gate_of_a_volume_is_shown_whole(gated):
    made = gated({"widths": [2, 3, 3]}, dimensions=3, tile=(16,) * 3, overlap=(4,) * 3)
    volumes = picture(2, 9, 12, 18)
    found, pointer = run(volumes[0], made)
    got = pointer.point((8, 3, 10), "gate 2")
    np.testing.assert_array_equal(got.map.data, found.attention[0].data)
    assert got.map.data.shape == (5, 6, 9)
    assert got.query == (8.5, 2.5, 10.5)
    assert got.values == {"gate 2": found.attention[0].data[4, 1, 5]}
    series, pointer = run(volumes, made, axes="TZYX")
    got = pointer.point((1, 8, 3, 10), "gate 2")
    np.testing.assert_array_equal(got.map.data, series.attention[0].data[1:])
    assert got.map.translate == (1, 0.5, 0.5, 0.5)
    assert got.query == (1, 8.5, 2.5, 10.5)


def test_a_gate_of_a_resized_image_is_asked_in_its_own_pixels(gated):
    made, image = sized(gated(), 20.0), picture(90, 110)
    found, pointer = run(image, made, diameter=30.0)
    placed = found.attention[2]
    steps = [4 * n / m for n, m in zip((90, 110), (60, 73), strict=True)]
    for pixel in ((0, 0), (5, 6), (47, 100), (89, 109)):
        got = pointer.point(pixel, placed.name)
        cell = tuple(cell_of(place, step) for place, step in zip(pixel, steps, strict=True))
        assert got.values[placed.name] == placed.data[cell]
        assert got.query == pytest.approx([centre_of(p, s) for p, s in zip(pixel, steps, strict=True)])


def test_the_map_of_a_gate_is_the_same_array_as_long_as_gate_and_plane_are(gated):
    """So a viewer sees that it has nothing to draw."""
    _, pointer = run(picture(2, 20, 28), gated(), axes="TYX")
    first = pointer.point((0, 3, 4), "gate 2 map 1").map.data
    assert pointer.point((0, 19, 27), "gate 2 map 1").map.data is first
    others = [
        pointer.point((1, 3, 4), "gate 2 map 1"),
        pointer.point((1, 3, 4), "gate 2 map 2"),
        pointer.point((1, 3, 4), "gate 3 map 1"),
    ]
    for other in others:
        assert other.map.data is not first
        assert not np.array_equal(other.map.data, first)
    np.testing.assert_array_equal(pointer.point((0, 0, 0), "gate 2 map 1").map.data, first)


def test_maps_on_disk_are_there_as_long_as_the_pointer(gated, monkeypatch):
    """The run's files go with the run; who asks the pointer need not keep the run."""
    image, made = picture(44, 60), gated()
    wanted = segment(image, made, attention=True, device="cpu").attention[0].data
    monkeypatch.setattr(scratch, "IN_MEMORY_BYTES", 1000)
    pointer = AttentionPointer(image, made, segment(image, made, attention=True, device="cpu"), device="cpu")
    gc.collect()
    assert not isinstance(pointer.maps[0].data, np.ndarray)
    got = pointer.point((10, 20), "gate 2 map 1")
    np.testing.assert_allclose(got.map.data, wanted, atol=1e-6)
    assert got.values["gate 2 map 1"] == got.map.data[5, 10]


# Places


def test_fractions_belong_to_the_pixel_they_lie_in(gated):
    found, pointer = run(picture(20, 28), gated())
    data = found.attention[0].data

    @settings(max_examples=50)
    @given(row=st.floats(-0.5, 19.5, exclude_max=True), column=st.floats(-0.5, 27.5, exclude_max=True))
    def check(row, column):
        (pixel_row,) = [n for n in range(20) if n - 0.5 <= row < n + 0.5]
        (pixel_column,) = [n for n in range(28) if n - 0.5 <= column < n + 0.5]
        got = pointer.point((row, column), "gate 2 map 1")
        assert got.values["gate 2 map 1"] == data[pixel_row // 2, pixel_column // 2]
        assert got.query == (pixel_row // 2 * 2 + 0.5, pixel_column // 2 * 2 + 0.5)

    check()


@pytest.mark.parametrize("place", [(-0.6, 3), (20, 3), (3, 27.5), (3, -4), (3,), (0, 3, 3)])
def test_a_place_outside_of_the_image_is_refused(gated, place):
    _, pointer = run(picture(20, 28), gated())
    with pytest.raises(UserError, match=r"the place \(.*\) lies outside of the image .*, which has 20 x 28"):
        pointer.point(place, "gate 2 map 1")


def test_what_cannot_be_looked_at_is_refused_with_what_can(gated, axial):
    _, pointer = run(picture(20, 28), gated())
    with pytest.raises(UserError, match=r"nothing called 'gate 2' to look at; choose from gate 2 map 1, gate 2 map 2"):
        pointer.point((0, 0), "gate 2")
    _, pointer = run(picture(32, 32), axial(), attention=False)
    with pytest.raises(UserError, match=r"nothing called 'global' to look at; choose from block 1.1, .*, block$"):
        pointer.point((0, 0), "global")
    with pytest.raises(UserError, match=r"the heads 0 to 7, and not both of \(None, 8\)"):
        pointer.point((0, 0), "block 1.1", heads=(None, 8))


def test_a_network_without_attention_is_refused_by_name(make_model, gated):
    image = picture(20, 28)
    with pytest.raises(UserError, match="'random' has no attention that could be looked at"):
        run(image, make_model("unet"))
    with pytest.raises(UserError, match="'random' has no attention that could be looked at"):
        run(image, gated(), attention=False)
