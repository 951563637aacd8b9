"""Where a pixel looks, asked tile by tile, against what a whole recording of each tile says."""

import numpy as np
import pytest
import torch

from src_models.attention.query_map import query_map
from src_models.attention.recording import record_attention
from src_models.computing.execution import choose_execution, prepare
from src_models.errors import UserError
from src_models.images.axes import read_axes
from src_models.nets.kernels.axial_plain import RelativePositions, attention_matrix, attention_row
from src_models.probing.axial_probe import AxialProbe

pytestmark = pytest.mark.usefixtures("either_precision")
# In half precision a query or a key may be rounded the other way where fewer are projected at once.
ROUNDING = {torch.float32: 1e-7, torch.bfloat16: 2**-6}
NAMES = ("medt", "logo", "gated-axial-unet", "axial-unet")


@pytest.fixture
def model(make_model):
    """Return a function that makes a model for a window of 64 px with random gates and statistics."""

    def make(name="medt", **header):
        made = make_model(name, **header)
        for key, tensor in made.network.named_parameters():
            if key.endswith(("g_q", "g_k", "g_v2")):
                tensor.data.uniform_(0.5, 1.5)
        return made

    return make


def picture(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


def recorded(model, image):
    """A recording of the network over an image that is no larger than the window."""
    execution = choose_execution("cpu")
    network = prepare(model.network, execution)
    low, high = np.percentile(image, (model.header.intensity.low, model.header.intensity.high))
    batch = torch.from_numpy(((np.clip(image, low, high) - low) / (high - low)).astype(np.float32))[None, None]
    with record_attention(network) as attention:
        execution(network, batch)
    return attention


@pytest.mark.parametrize("positions", [True, False])
def test_a_row_is_that_of_the_whole_matrix(positions):
    generator = torch.Generator().manual_seed(0)
    query, key = (torch.randn(2, 3, 4, 2, 7, generator=generator).double() for _ in range(2))
    scale = torch.randn(4, generator=generator).double()
    tables = [torch.randn(4, 2, 13, generator=generator).double() for _ in range(3)]
    given = RelativePositions(*tables) if positions else None
    whole = attention_matrix(query, key, scale, given)
    for place in range(7):
        torch.testing.assert_close(attention_row(query, key, scale, given, place), whole[..., place, :])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("heads", [None, (2, 5)])
def test_a_pixel_looks_where_the_recorded_matrices_say(model, name, heads, either_precision):
    made, image = model(name), picture(64, 64)
    probe, attention = AxialProbe(image, made, device="cpu"), recorded(made, image)
    assert len(probe.blocks) == (11 if name in ("medt", "logo") else 8)
    for block in probe.blocks:
        cell = attention[f"{block} received"].stride
        for pixel in ((0, 0), (13, 50), (63, 31)):
            found = probe.look(pixel, block, heads=heads)
            wanted = query_map(attention, block, (pixel[0] // cell, pixel[1] // cell), heads=heads)
            np.testing.assert_allclose(found.weights, wanted.numpy(), ROUNDING[either_precision], 1e-5)
            assert found.weights.sum() == pytest.approx(1, abs=1e-5)


def test_cells_lie_on_the_pixels_they_came_from(model):
    probe = AxialProbe(picture(64, 64), model(), device="cpu")
    for block, cell in (("global 1.1", 2), ("global 2.2", 4), ("local 4.1", 8)):
        found = probe.look((21, 42), block)
        assert found.scale == (cell, cell)
        assert found.translate == ((cell - 1) / 2, (cell - 1) / 2)
        for place, centre in zip((21, 42), found.query, strict=True):
            assert abs(place - centre) <= (cell - 1) / 2


def product_matrix(attention, block):
    """The attention of a block over all pairs of its grid's cells, (H * W, H * W), head means."""
    columns, rows = (attention[f"{block} {axis}"].tensor[0].mean(1).double() for axis in ("height", "width"))
    height, width = rows.shape[0], columns.shape[0]
    return torch.einsum("yxz,zyw->yxwz", rows, columns).reshape(height * width, height * width).numpy()


def pooling(height, width):
    """The matrix that takes means of 2 x 2 cells of a grid."""
    result = np.zeros((height // 2 * (width // 2), height * width))
    for y in range(height):
        for x in range(width):
            result[y // 2 * (width // 2) + x // 2, y * width + x] = 1 / 4
    return result


@pytest.mark.parametrize(("name", "branch"), [("gated-axial-unet", "block"), ("medt", "global")])
def test_a_rollout_is_the_product_of_the_blocks_matrices(model, name, branch):
    made, image = model(name), picture(64, 64)
    probe, attention = AxialProbe(image, made, device="cpu"), recorded(made, image)
    blocks = [block for block in probe.blocks if block.startswith(branch)]
    sides = [64 // attention[f"{block} received"].stride for block in blocks]
    total = np.eye(sides[0] ** 2)
    for block, side, before in zip(blocks, sides, [sides[0], *sides], strict=False):
        if side != before:
            total = pooling(before, before) @ total
        total = (product_matrix(attention, block) + np.eye(side**2)) / 2 @ total
    cell = 64 // sides[-1]
    for pixel in ((0, 0), (40, 21)):
        found = probe.rollout(pixel, branch)
        wanted = total[pixel[0] // cell * sides[-1] + pixel[1] // cell].reshape(sides[0], sides[0])
        np.testing.assert_allclose(found.weights, wanted, atol=1e-6)
        assert found.scale == (2, 2)
        assert found.translate == (0.5, 0.5)
        assert all(abs(place - centre) <= (cell - 1) / 2 for place, centre in zip(pixel, found.query, strict=True))


def test_a_rollout_of_patches_stays_in_its_patch(model):
    found = AxialProbe(picture(64, 64), model(), device="cpu").rollout((20, 50), "local")
    assert found.weights.sum() == pytest.approx(1, abs=1e-5)
    assert found.weights[8:16, 24:].sum() == pytest.approx(1, abs=1e-5)  # patches of 16 px, cells of 2 px
    assert found.weights[8:16, 24:].min() > 0


def test_far_from_the_corner_a_tile_answers_as_if_it_were_the_image(model):
    """The tile of a large image is found, its weights are those of that part alone, and lie in its place."""
    made, image = model(), picture(150, 170)
    probe = AxialProbe(image, made, device="cpu")
    found = probe.look((100, 90), "global 2.1")
    top, left = (round(t - (s - 1) / 2) for t, s in zip(found.translate, found.scale, strict=True))
    assert top <= 100 < top + 64
    assert left <= 90 < left + 64
    low, high = np.percentile(image, (made.header.intensity.low, made.header.intensity.high))
    ends = np.clip(image[top : top + 64, left : left + 64], low, high)
    execution = choose_execution("cpu")
    network = prepare(made.network, execution)
    batch = torch.from_numpy(((ends - low) / (high - low)).astype(np.float32))[None, None]
    with record_attention(network) as attention:
        execution(network, batch)
    wanted = query_map(attention, "global 2.1", ((100 - top) // 2, (90 - left) // 2))
    np.testing.assert_allclose(found.weights[: wanted.shape[0], : wanted.shape[1]], wanted.numpy(), atol=1e-5)


def test_a_resized_image_keeps_the_query_under_the_pixel(model):
    probe = AxialProbe(picture(100, 120), model(), zoom=0.5, device="cpu")
    for pixel in ((3, 4), (50, 60), (99, 119)):
        found = probe.look(pixel, "global 1.1")
        assert found.scale == (4, 4)
        assert all(abs(place - centre) <= 2 for place, centre in zip(pixel, found.query, strict=True))


def test_a_model_that_was_made_for_a_spacing_sees_the_image_at_it(model):
    image = picture(100, 120)
    reading = read_axes(image.shape, spacing=(0.5, 1.5), unit="mm")
    at_spacing = AxialProbe(image, model(spacing=(1.0, 1.0), unit="mm"), axes=reading, device="cpu")
    by_hand = AxialProbe(image, model(), zoom=(0.5, 1.5), device="cpu")
    one, other = (probe.look((30, 40), "global 1.1") for probe in (at_spacing, by_hand))
    np.testing.assert_array_equal(one.weights, other.weights)
    assert one.scale == other.scale == pytest.approx((4, 4 / 3))
    assert all(abs(place - centre) <= 2 for place, centre in zip((30, 40), one.query, strict=True))


def test_planes_of_a_stack_have_maps_of_their_own(model):
    made = model()
    stack = np.stack([picture(64, 64, seed=s) for s in range(2)])
    probe = AxialProbe(stack, made, axes="TYX", device="cpu")
    for plane in (0, 1):
        found = probe.look((10, 20), "global 1.1", plane=(plane,))
        alone = AxialProbe(stack[plane], made, device="cpu").look((10, 20), "global 1.1")
        np.testing.assert_allclose(found.weights, alone.weights, atol=1e-5)


def test_what_is_kept_stays_within_the_budget_and_is_the_same_when_it_comes_back(model):
    made, image = model(), picture(150, 170)
    probe = AxialProbe(image, made, device="cpu")
    corners = [(0, 0), (0, 169), (149, 0), (149, 169)]
    first = [probe.look(pixel, "local 1.1").weights for pixel in corners]
    needed = probe.kept_bytes
    small = AxialProbe(image, made, device="cpu", budget=needed // 2)
    for _ in range(2):
        for pixel, wanted in zip(corners, first, strict=True):
            np.testing.assert_array_equal(small.look(pixel, "local 1.1").weights, wanted)
            assert 0 < small.kept_bytes <= needed // 2


def test_a_tile_is_computed_once(model, monkeypatch):
    probe = AxialProbe(picture(64, 64), model(), device="cpu")
    probe.look((5, 5), "global 1.1")
    monkeypatch.setattr(probe, "_network", None)  # another run would raise
    probe.look((60, 2), "local 3.2")


def test_what_cannot_be_asked_is_refused_with_what_can(model, make_model):
    with pytest.raises(UserError, match=r"is a attention-unet, which has no axial attention|has no axial attention"):
        AxialProbe(picture(64, 64), make_model(), device="cpu")
    probe = AxialProbe(picture(64, 64), model(), device="cpu")
    with pytest.raises(UserError, match=r"no axial block 'block 1.1'; choose from global 1.1, "):
        probe.look((0, 0), "block 1.1")
    with pytest.raises(UserError, match=r"no branch 'block'; choose from global, local"):
        probe.rollout((0, 0), "block")
    with pytest.raises(UserError, match=r"outside of the image, which has 64 x 64"):
        probe.look((64, 0), "global 1.1")
    with pytest.raises(UserError, match=r"the heads 0 to 7, and not both of \(8, 0\)"):
        probe.look((0, 0), "global 1.1", heads=(8, 0))


def test_a_mean_over_the_heads_of_one_axis_alone_is_the_mean_of_those_heads(model):
    probe = AxialProbe(picture(64, 64), model(), device="cpu")
    for fixed, each in (((None, 3), lambda head: (head, 3)), ((3, None), lambda head: (3, head))):
        alone = [probe.look((21, 42), "global 2.1", heads=each(head)).weights for head in range(8)]
        np.testing.assert_allclose(
            probe.look((21, 42), "global 2.1", heads=fixed).weights, np.mean(alone, axis=0), atol=1e-7
        )
