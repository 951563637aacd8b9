"""Which places speak for a class, against pictures whose truth is known and against whole matrices."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from src_models.classifying.relevance import class_relevance
from src_models.computing.execution import choose_execution, prepare
from src_models.errors import UserError
from src_models.models.architectures import create
from src_models.nets.classifier import Classifier

WINDOWS = {"width": 16, "head_channels": 8}
TOKENS = {"image_size": 48, "width": 32, "depth": 2, "heads": 4}
NETWORKS = {
    "med-former": ("med-former", {**WINDOWS, "stages": 1}),
    "with concatenation": ("med-former", {**WINDOWS, "stages": 2, "fusion": "concat"}),
    "swin": ("swin", {**WINDOWS, "stages": 2}),
    "vit": ("vit", TOKENS),
    "vit with a token": ("vit", {**TOKENS, "pool": "token"}),
}
SPOT, STEP = 8, 9


def made(name, classes=2):
    torch.manual_seed(0)
    architecture, config = NETWORKS[name]
    return create(architecture, classes=classes, **config).eval()


def spots(count, generator, *, both=False):
    """Noise with a red spot (class 0) or a green one (class 1), or both, and where these are."""
    images = torch.rand(count, 3, 48, 48, generator=generator) * 0.3
    truth = torch.randint(0, 2, (count,), generator=generator)
    places = torch.stack([torch.randperm(25, generator=generator)[:2] for _ in range(count)])
    corners = torch.stack([places // 5, places % 5], dim=-1) * STEP + 1  # N, class, 2
    for image, label, at in zip(images, truth.tolist(), corners.tolist(), strict=True):
        for colour in (0, 1) if both else (label,):
            row, column = at[colour]
            image[colour, row : row + SPOT, column : column + SPOT] += 0.7
    return images, truth, corners


def taught(network, generator):
    """Give the network the best head (least squares) that its random features allow."""
    images, truth, _ = spots(200, generator)
    kept: list[Tensor] = []
    handle = network.head.register_forward_pre_hook(lambda _module, inputs: kept.append(inputs[0]))
    with torch.no_grad():
        network(images)
    handle.remove()
    features = kept[0].double() - kept[0].double().mean(0)
    wanted = F.one_hot(truth, 2).double() * 2 - 1
    weight = torch.linalg.solve(features.T @ features + 0.01 * torch.eye(features.shape[1]), features.T @ wanted)
    with torch.no_grad():
        network.head.weight.copy_(weight.T)
        network.head.bias.copy_(-kept[0].double().mean(0) @ weight)
    return network


@pytest.mark.parametrize("name", ["med-former", "vit"])
def test_of_two_objects_that_speaks_for_a_class_which_is_of_it(name):
    generator = torch.Generator().manual_seed(1)
    network = taught(made(name), generator)
    images, truth, _ = spots(50, generator)
    assert float((network(images).argmax(1) == truth).float().mean()) > 0.8
    images, _, corners = spots(16, generator, both=True)
    for asked in (0, 1):
        maps = class_relevance(network, images, asked).at_image_resolution()
        spot = [
            [m[y : y + SPOT, x : x + SPOT].mean() for y, x in at] for m, at in zip(maps, corners.tolist(), strict=True)
        ]
        own, other = np.mean(spot, axis=0)[[asked, 1 - asked]]
        assert own > 2 * other
        assert own > 1.5, "more than an average place"


def whole_matrices(network, image, asked):
    """The same by matrices of all cells by all cells, for networks of windows; one image."""
    taps, parts = {}, {}

    def keep(into, key):
        def hook(_module, _inputs, output):
            output.retain_grad()
            into[key] = output

        return hook

    handles = []
    for stage in network.stages:
        for block in stage.blocks:
            handles += [a.matrix.register_forward_hook(keep(taps, a)) for a in block.attentions]
        if stage.fusion is not None:
            handles += [m.register_forward_hook(keep(parts, m)) for m in (stage.fusion.earlier, stage.fusion.later)]
    handles.append(network.deepest().register_forward_hook(keep(parts, "deepest")))
    logits = network(image.clone().requires_grad_())
    rest = torch.cat([logits[0, :asked], logits[0, asked + 1 :]])
    odds = logits[0, asked] - torch.log(torch.exp(rest).sum())
    odds.backward()
    for handle in handles:
        handle.remove()
    odds, weight = odds.detach(), torch.softmax(rest.detach(), 0)
    head = network.head.weight.detach()
    normal = head[asked] - weight @ torch.cat([head[:asked], head[asked + 1 :]])
    deepest = parts["deepest"].detach()[0].flatten(1).T  # cells, C
    each = deepest @ normal
    relevance = (each + (odds - each.mean())).clamp_min(0)
    for number in reversed(range(len(network.stages))):
        stage = network.stages[number]
        stride = network.embedding.patch * 2**number
        grid = tuple(-(-side // stride) for side in image.shape[2:])
        aside = torch.zeros_like(relevance)
        if stage.fusion is not None:
            one, two = (
                (parts[m].detach() * parts[m].grad)[0].sum(-1).clamp_min(0).flatten()
                for m in (stage.fusion.earlier, stage.fusion.later)
            )
            share = torch.where(one + two > 0, one / (one + two), torch.tensor(0.5))
            aside, relevance = relevance * share, relevance * (1 - share)
        for block in reversed(stage.blocks):
            matrix = torch.zeros(len(relevance), len(relevance), dtype=relevance.dtype)
            for a in block.attentions:
                tables = a.lattice(grid).tables(image.device)
                for window, (cells, region) in enumerate(
                    zip(tables.cell.view(tables.region.shape), tables.region, strict=True)
                ):
                    real = region >= 0
                    taken = (taps[a].detach() * taps[a].grad)[0, window].clamp_min(0).mean(0)[real][:, real]
                    matrix[cells[real][:, None], cells[real]] += taken
            total = matrix.sum(1)
            rows = torch.where(total[:, None] > 0, matrix / total[:, None], torch.eye(len(matrix), dtype=matrix.dtype))
            relevance = (rows + torch.eye(len(rows), dtype=rows.dtype)).T @ relevance / 2
        relevance = relevance + aside
        if number:
            finer = tuple(-(-side // (stride // 2)) for side in image.shape[2:])
            handed = torch.zeros(finer, dtype=relevance.dtype)
            for cell, value in enumerate(relevance):
                y, x = divmod(cell, grid[1])
                block_of = handed[2 * y : 2 * y + 2, 2 * x : 2 * x + 2]
                block_of += value / block_of.numel()
            relevance = handed.flatten()
    return (relevance / relevance.mean()).view(finer)


@pytest.mark.parametrize("name", ["med-former", "with concatenation", "swin"])
@pytest.mark.parametrize("size", [(48, 48), (37, 50)])
def test_windows_are_matrices_whose_other_entries_are_nothing(name, size):
    network = made(name, classes=4).double()
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    for asked in (0, 3):
        with torch.no_grad():  # so that something speaks for it
            logits = network(image)[0]
            network.head.bias[asked] += 2 + logits.max() - logits[asked]
        found = class_relevance(network, image, asked).cells[0]
        np.testing.assert_allclose(found, whole_matrices(network, image, asked), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_network_is_left_as_it_was_and_one_that_is_ready_to_predict_says_the_same(name):
    network = made(name, classes=3)
    images = torch.rand(2, 3, 40, 48, generator=torch.Generator().manual_seed(3))
    ready = prepare(network, choose_execution("cpu"))
    with torch.inference_mode():
        before = ready(images)
        found = class_relevance(ready, images)
        assert torch.equal(ready(images), before)
    np.testing.assert_allclose(
        found.cells, class_relevance(network.train(), images.numpy()).cells, rtol=1e-3, atol=1e-4
    )
    assert network.training
    for each in (network, ready):
        assert not any(module._forward_hooks or module._forward_pre_hooks for module in each.modules())
        assert all(parameter.grad is None for parameter in each.parameters())
    np.testing.assert_array_equal(found.classes, before.argmax(1))
    np.testing.assert_allclose(found.probabilities, before.softmax(1), rtol=1e-4)
    np.testing.assert_allclose(found.cells.mean((1, 2)), 1, rtol=1e-5)
    assert found.cells.min() >= 0


def test_images_of_a_batch_do_not_know_one_another():
    network = made("med-former", classes=3)
    images = torch.rand(3, 3, 40, 40, generator=torch.Generator().manual_seed(3))
    together = class_relevance(network, images, [0, 1, 2])
    for number, image in enumerate(images):
        alone = class_relevance(network, image[None], number).cells[0]
        np.testing.assert_allclose(together.cells[number], alone, rtol=1e-3, atol=1e-4)


def test_it_does_not_matter_what_all_logits_have_in_common():
    network = made("vit", classes=3)
    images = torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(3))
    before = class_relevance(network, images, 1).cells
    with torch.no_grad():
        network.head.bias += 5
        network.head.weight += torch.rand(1, network.head.in_features)
    np.testing.assert_allclose(class_relevance(network, images, 1).cells, before, rtol=1e-2, atol=1e-3)


class Plain(Classifier):
    """Convolutions, their mean, and a linear layer."""

    stride = 4

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 4, stride=4)
        self.head = nn.Linear(4, 3)

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.conv(image).mean((2, 3)))

    def deepest(self) -> nn.Module:
        return self.conv


def test_without_attention_a_place_speaks_for_a_class_as_an_image_all_like_it_would():
    torch.manual_seed(0)
    network = Plain()
    image = torch.rand(1, 1, 8, 12)
    found = class_relevance(network, image, 2)
    logits = network.head(network.conv(image).permute(0, 2, 3, 1))  # of each place by itself
    whole = network(image)[0].detach()
    share = torch.softmax(whole[:2], 0)  # by which the others count, as far as a small step is concerned
    step = (logits[0, ..., 2] - logits[0, ..., :2] @ share).detach()
    odds = whole[2] - torch.logsumexp(whole[:2], 0)
    expected = (step - step.mean() + odds).clamp_min(0)
    expected = expected / expected.mean() if expected.any() else expected
    np.testing.assert_allclose(found.cells[0], expected, rtol=1e-4, atol=1e-6)
    assert found.stride == 4


def test_a_map_lies_on_the_picture_that_was_resized_and_given_room():
    """A picture of 20 x 40 px became 24 x 48 in 48 x 48: 12 px of room above; 1.2 px of the network a pixel."""
    network = made("vit", classes=2)
    found = class_relevance(network, torch.rand(1, 3, 48, 48), 0)
    placed = found.placed(0, (20, 40))
    assert placed.data.shape == (6, 6)
    assert placed.scale == pytest.approx((8 / 1.2, 8 / 1.2))
    # Cell 2's first pixel row is 16 of the network's, 4 below the picture's upper edge: 4 / 1.2 px of the picture.
    upper = placed.translate[0] + 2 * placed.scale[0] - placed.scale[0] / 2
    assert upper == pytest.approx(4 / 1.2 - 0.5)
    assert placed.translate[1] - placed.scale[1] / 2 == pytest.approx(-0.5)


def test_between_the_centres_of_cells_values_are_interpolated():
    network = made("vit", classes=2)
    found = class_relevance(network, torch.rand(1, 3, 20, 28), 0)
    whole = found.at_image_resolution()
    assert whole.shape == (1, 20, 28)
    middle = whole[0, 3:5, 3:5].mean()  # the centre of the first cell of 8 px lies between these
    assert found.cells[0, 0, 0] == pytest.approx(middle, rel=0.15)
    assert whole[0, 0, 0] == pytest.approx(found.cells[0, 0, 0], rel=1e-5)


def test_questions_that_make_no_sense_are_refused():
    network, images = made("vit", classes=3), torch.zeros(2, 3, 16, 16)
    with pytest.raises(UserError, match="the network tells the classes 0 to 2, and 3 is not among them"):
        class_relevance(network, images, 3)
    with pytest.raises(UserError, match="there are 2 images and 3 classes to ask about"):
        class_relevance(network, images, [0, 1, 2])
    with pytest.raises(UserError, match="AttentionUNet says what each pixel shows"):
        class_relevance(create("attention-unet", widths=(2, 4)), images)


@pytest.mark.parametrize(("architecture", "first"), [("resnet18", 0), ("efficientnet-lite0", 21)])
def test_of_a_network_of_convolutions_relevance_lies_where_the_cell_looks(architecture, first):
    """Of convolutions that pass on their middle alone, a dot is seen by one cell, and there its relevance must lie."""
    network = create(architecture, in_channels=1, classes=2).eval()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.weight.zero_()
                middle = module.kernel_size[0] // 2
                module.weight[:, 0, middle, middle] = 1.0
        network.fc.weight.copy_(torch.tensor([[1.0], [0.0]]).expand_as(network.fc.weight))
        network.fc.bias.zero_()
    dot = torch.zeros(1, 1, 128, 128)
    dot[0, 0, 64 + first, 32 + first] = 1.0
    found = class_relevance(network, dot, 0)
    assert np.unravel_index(found.at_image_resolution()[0].argmax(), (128, 128)) == (64 + first, 32 + first)
    placed = found.placed(0, (256, 256))  # of a picture that was halved
    row, column = np.argwhere(placed.data == placed.data.max())[0]
    places = [row * placed.scale[0] + placed.translate[0], column * placed.scale[1] + placed.translate[1]]
    assert places == [2 * (64 + first) + 0.5, 2 * (32 + first) + 0.5]  # between the two pixels of the dot
