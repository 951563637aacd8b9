"""Medical Transformer's own checkpoints: the same numbers, and what can be read of the attention inside."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from benchmarks.authors_medt import authors_network
from src_models.attention.recording import record_attention
from src_models.computing.execution import choose_execution, prepare
from src_models.errors import ModelFileError
from src_models.models.architectures import create
from src_models.models.official import for_rgb, from_state_dict, load_official, with_background
from src_models.models.official_medt import renamed
from src_models.nets.medt import COMPATIBLE_PATCH

GOLDEN = {
    "axialunet_64": ("axial-unet", {"image_size": 64, "in_channels": 1, "classes": 3}),
    "gatedaxialunet_64": ("gated-axial-unet", {"image_size": 64, "in_channels": 3, "classes": 2}),
    "logo_128": ("logo", {"image_size": 128, "in_channels": 3, "classes": 2}),
    "medt_128": ("medt", {"image_size": 128, "in_channels": 3, "classes": 2}),
}
NETWORK = pytest.mark.parametrize("name", GOLDEN)
SMALL = "gatedaxialunet_64"
NAMES = ("medt", "logo", "gated-axial-unet", "axial-unet")


@pytest.fixture(scope="module")
def golden(shared):
    """Inputs, outputs and inner tensors of a reference run."""

    def read(name):
        with np.load(shared / "golden" / f"{name}.io.npz") as stored:
            return {key: torch.from_numpy(stored[key]) for key in stored.files}

    return read


@pytest.fixture(scope="module")
def weights(shared):
    """Path of a reference network's weights."""
    return lambda name: shared / "golden" / f"{name}.weights.safetensors"


@pytest.fixture
def state(weights):
    """A reference state dict that a test may damage."""
    return load_file(weights(SMALL))


def distance(found, wanted):
    """Largest difference."""
    assert found.shape == wanted.shape
    return float((found.detach().double() - wanted.detach().double()).abs().max())


def error(found, wanted):
    """Largest difference, as a share of the largest value."""
    return distance(found, wanted) / float(wanted.abs().max())


def ready(network):
    return prepare(network, choose_execution("cpu"))


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# The same numbers


def global_branch(network):
    return network.branch if hasattr(network, "branch") else network.global_branch


@NETWORK
def test_output_features_and_attention_are_those_of_the_authors_code(golden, weights, name):
    stored, network = golden(name), load_official(weights(name)).network
    branch = global_branch(network)
    modules = {
        "feat_layer1_0_hight_block": branch.layers[0][0].height,
        "feat_layer1_0_width_block": branch.layers[0][0].width,
        **{f"feat_layer{number}": layer for number, layer in enumerate(branch.layers, start=1)},
    }
    seen = {}
    for key in stored:
        if key.startswith("feat_"):
            modules[key].register_forward_hook(lambda _module, _inputs, output, key=key: seen.update({key: output}))
    with torch.inference_mode(), record_attention(network) as attention:
        assert error(network(stored["input"]), stored["output"]) < 1e-4
    assert len(seen) == sum(key.startswith("feat_") for key in stored) >= 2
    assert {key: error(found, stored[key]) for key, found in seen.items() if error(found, stored[key]) > 1e-4} == {}

    block = "block 1.1" if hasattr(network, "branch") else "global 1.1"
    for axis in ("height", "width"):
        matrices = attention[f"{block} {axis}"].tensor.flatten(0, 1)
        assert error(matrices[stored["attn_rows"]], stored[f"attn_{axis}_layer1"]) < 1e-5
        assert error(matrices.mean(0), stored[f"attn_{axis}_layer1_mean_over_rows"]) < 1e-5
    if "attn_local_height_layer1_patch00" in stored:
        patches = attention["local 1.1 height"].tensor
        assert len(patches) == 16
        assert error(patches[4 * 0 + 0], stored["attn_local_height_layer1_patch00"]) < 1e-5
        assert error(patches[4 * 3 + 2], stored["attn_local_height_layer1_patch32"]) < 1e-5


@NETWORK
def test_in_double_precision_the_output_is_that_of_the_authors_code_to_nine_digits(golden, weights, name):
    stored, network = golden(name), load_official(weights(name)).network.double()
    with torch.inference_mode():
        assert error(network(stored["input"].double()), stored["output_f64"]) < 1e-9


@NETWORK
def test_made_ready_for_prediction_the_output_is_that_of_the_authors_code(golden, weights, name):
    stored, network = golden(name), load_official(weights(name)).network
    with torch.inference_mode():
        assert error(ready(network)(stored["input"]), stored["output"]) < 1e-4


def test_at_256_px_the_patches_cover_the_upper_left_quarter_alone_as_in_the_authors_code(golden, weights):
    stored, state = golden("medt_256_quirk"), load_file(weights("medt_128"))
    state |= {key.removeprefix("w:"): tensor for key, tensor in stored.items() if key.startswith("w:")}
    found = from_state_dict(state)
    assert found.config["image_size"] == 256
    with torch.inference_mode():
        assert error(ready(found.network)(stored["input"]), stored["output"]) < 1e-4
    assert COMPATIBLE_PATCH == 32


# A step of training
#
# The last layers of the local branch are normalised by the statistics of eight pixels, which makes the step ill
# conditioned: the stored numbers, of single precision, are themselves off the exact ones. What can be asked for is the
# exact step in double precision, and in single precision no more than what separates the stored numbers from it.


def trained_step(network, images, target):
    """Output, loss, gradients and what the buffers are after."""
    output = network.train().requires_grad_(True)(images)
    loss = F.cross_entropy(output, target)
    loss.backward()
    gradients = {name: p.grad for name, p in network.named_parameters() if p.grad is not None}
    return output.detach(), loss.detach(), gradients, dict(network.named_buffers())


@pytest.fixture(scope="module")
def step(golden, weights):
    """One step: as stored, of the authors' arithmetic in double precision, and of ours in both."""
    stored, state = golden("medt_128_trainstep"), load_file(weights("medt_128"))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    authors = authors_network("medt", 128)
    authors.load_state_dict(state, strict=True)
    images, target = stored["input"], stored["target"]
    output, loss, gradients, buffers = trained_step(authors.double(), images.double(), target)
    exact = output, loss, renamed(gradients, "medt"), renamed(buffers, "medt")
    double = trained_step(from_state_dict(state).network.double(), images.double(), target)
    single = trained_step(from_state_dict(state).network, images, target)
    torch.set_num_threads(threads)
    return {"stored": stored, "exact": exact, "double": double, "single": single}


def test_in_double_precision_a_step_of_training_is_the_authors(step):
    (output, loss, gradients, buffers), (ours, our_loss, our_gradients, our_buffers) = step["exact"], step["double"]
    assert error(ours, output) < 1e-9
    assert error(our_loss, loss) < 1e-9
    largest = max(float(gradient.abs().max()) for gradient in gradients.values())
    unseen = {name for name in gradients if name.endswith("similarity_norm.bias")}
    assert gradients.keys() - our_gradients.keys() == unseen
    for name, gradient in gradients.items():
        found = torch.zeros_like(gradient) if name in unseen else our_gradients[name]
        assert distance(found, gradient) < 1e-9 * largest, name
    assert buffers.keys() == our_buffers.keys()
    for name, buffer in buffers.items():
        assert distance(our_buffers[name], buffer) <= 1e-9 * float(buffer.abs().max()), name


def test_in_single_precision_a_step_is_as_near_to_the_stored_one_as_the_exact_step_is(step):
    stored, (output, _, gradients, buffers) = step["stored"], step["exact"]
    ours, our_loss, our_gradients, our_buffers = step["single"]
    assert error(our_loss, stored["loss"]) < 1e-4
    wanted = {"output": stored["output"]}
    found, exact = {"output": ours}, {"output": output}
    for kind, of_ours, true in (("grad:", our_gradients, gradients), ("after:", our_buffers, buffers)):
        tensors = {key.removeprefix(kind): tensor for key, tensor in stored.items() if key.startswith(kind)}
        for name, tensor in renamed(tensors, "medt").items():
            wanted[kind + name], found[kind + name], exact[kind + name] = tensor, of_ours[name], true[name]
    assert len(wanted) == 1 + 29 + 12
    # Gradients that cancel to nothing, such as those of gates before a norm, are rounding alone.
    smallest = 1e-4 * max(float(gradient.abs().max()) for gradient in gradients.values())
    for name, tensor in wanted.items():
        bound = 3 * distance(exact[name], tensor) + 1e-4 * max(float(tensor.abs().max()), smallest)
        assert distance(found[name], tensor) <= bound, name


def test_each_patch_of_a_step_is_counted_as_a_batch_of_its_own(step):
    before, (_, _, _, after) = step["stored"], step["double"]
    counted = after["local_branch.stem.0.norm.num_batches_tracked"] - before["after:bn1.num_batches_tracked"]
    assert after["global_branch.stem.0.norm.num_batches_tracked"] == before["after:bn1.num_batches_tracked"]
    assert counted == 15  # 16 patches there, one image here


# What is read off the tensors


@NETWORK
def test_image_size_channels_and_classes_are_read_off_the_shapes(weights, name):
    architecture, config = GOLDEN[name]
    found = load_official(weights(name))
    assert found.architecture == architecture
    assert found.config == {**config, "dimensions": 2, "compatible": True}
    assert "Medical-Transformer" in found.source
    assert (found.intensity.kind, found.intensity.low, found.intensity.high) == ("window", 0, 255)
    assert not found.network.training


def randomised(network, seed=0):
    """The authors' network with random gates and statistics."""
    torch.manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_mean"):
            tensor.normal_(0, 0.2)
        elif name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
        elif ".f_" in name:
            tensor.uniform_(-1.5, 1.5)
    return network.eval()


@pytest.mark.parametrize(
    ("name", "size", "channels", "classes"),
    [("gated-axial-unet", 32, 4, 5), ("axial-unet", 96, 1, 2), ("medt", 192, 2, 3), ("logo", 128, 1, 4)],
)
def test_any_size_channels_and_classes_give_the_authors_output(name, size, channels, classes):
    torch.manual_seed(1)
    authors = randomised(authors_network(name, size, channels, classes))
    found = from_state_dict(authors.state_dict())
    assert found.architecture == name
    assert [found.config[key] for key in ("image_size", "in_channels", "classes")] == [size, channels, classes]
    image = noise(1, channels, size, size)
    with torch.inference_mode():
        assert error(found.network(image), authors(image)) < 1e-4


def test_tensors_that_nothing_uses_are_ignored(weights):
    state = load_file(weights("medt_128"))
    unused = [key for key in state if key.startswith("adjust_p.") or "flatten_index" in key or "_p.0.conv1." in key]
    unused += [key for key in state if "conv1." in key and "_p." in key and key not in unused and "layer" in key]
    assert len(unused) == 2 + 6 + 16
    wanted = from_state_dict(state).network.state_dict()
    nonsense = {**state, **{key: torch.full_like(state[key], 7) for key in unused}}
    without = {key: tensor for key, tensor in state.items() if key not in unused}
    for variant in (nonsense, without):
        found = from_state_dict(variant).network.state_dict()
        assert found.keys() == wanted.keys()
        assert all(torch.equal(found[key], tensor) for key, tensor in wanted.items())


@NETWORK
def test_every_other_tensor_arrives_in_one_place(weights, name):
    """Each tensor is filled with a number of its own; a norm of content and position in turns arrives as two."""
    state = load_file(weights(name))
    numbered = {key: torch.full_like(tensor, index) for index, (key, tensor) in enumerate(state.items())}
    arrived = [int(t.flatten()[0]) for t in from_state_dict(numbered).network.state_dict().values()]
    unused = ("flatten_index", "adjust_p.weight", "adjust_p.bias")
    expected = []
    for index, key in enumerate(state):
        if key.endswith(unused) or ("_p." in key and ".conv1." in key):
            continue
        twice = ".bn_output." in key and not ("_p." in key and name == "medt_128")
        expected += [index] * (2 if twice else 1)
    assert sorted(arrived) == expected


# Files


def wrapped(state):
    return {f"module.{name}": tensor for name, tensor in state.items()}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(dict, id="plain"),
        pytest.param(wrapped, id="DataParallel"),
        pytest.param(lambda s: {"epoch": 3, "state_dict": wrapped(s)}, id="training"),
        pytest.param(
            lambda s: {k: torch.nn.Parameter(v) if v.is_floating_point() else v for k, v in s.items()}, id="parameters"
        ),
        pytest.param(lambda s: {k: v.double() if v.is_floating_point() else v for k, v in s.items()}, id="float64"),
        pytest.param(lambda s: {k: v for k, v in s.items() if "num_batches" not in k}, id="old"),
    ],
)
def test_every_way_to_save_a_state_dict_is_read(golden, state, tmp_path, content):
    torch.save(content(state), tmp_path / "final_model.pth")
    found, stored = load_official(tmp_path / "final_model.pth"), golden(SMALL)
    assert found.config["image_size"] == 64
    with torch.inference_mode():
        logits = found.network(stored["input"])
    assert logits.dtype == torch.float32
    assert error(logits, stored["output"]) < 1e-4


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        pytest.param(lambda s: s.pop("layer2.1.bn2.weight"), r"lacks 1 tensors \(branch\.layers\.1\.1\.up\.", id="one"),
        pytest.param(
            lambda s: s.pop("layer1.0.width_block.bn_output.bias"),
            r"lacks 2 tensors \(.*layers\.0\.0\.width\.content_norm\.bias, .*position_norm\.bias",
            id="both norms",
        ),
        pytest.param(lambda s: s.pop("layer3.2.hight_block.f_sv"), r"lacks 1 tensors .*height\.g_v1", id="gate"),
        pytest.param(lambda s: s.update({"fc.bias": torch.zeros(2)}), r"fc\.bias is of no module", id="excess"),
        pytest.param(
            lambda s: s.update({"layer1.7.bn1.bias": torch.zeros(2)}), r"has in excess 1 tensors \(", id="block"
        ),
        pytest.param(
            lambda s: s.update({"layer1.0.hight_block.f_new": torch.zeros(())}), r"f_new is of no", id="new gate"
        ),
        pytest.param(
            lambda s: s.update({"layer2.0.conv_up.weight": torch.zeros(64, 32, 3, 3)}),
            r"has the shape \(64, 32, 3, 3\) where \(64, 32, 1, 1\) is needed",
            id="shape",
        ),
        pytest.param(
            lambda s: s.update({"layer2.0.hight_block.relative": torch.zeros(8, 31)}),
            r"has the shape \(8, 31\) where \(8, 63\) is needed",
            id="length",
        ),
        pytest.param(
            lambda s: s["decoder3.bias"].fill_(float("nan")), r"decoder\.2\.bias has NaN or infinite", id="NaN"
        ),
        pytest.param(
            lambda s: s["layer4.0.width_block.bn_output.running_var"][1::2].fill_(float("inf")),
            r"position_norm\.running_var has NaN or infinite",
            id="inf",
        ),
        pytest.param(
            lambda s: s.update({"adjust.bias": torch.zeros(2, dtype=torch.int64)}), r"type torch\.int64", id="integers"
        ),
        pytest.param(lambda s: s.update({"conv1.weight": torch.zeros(8)}), r"have the shapes", id="flat"),
        pytest.param(
            lambda s: s.update({"layer1.0.hight_block.relative": torch.zeros(4, 100)}),
            r"image_size 101 must be a multiple of 32",
            id="size",
        ),
        pytest.param(
            lambda s: s.update({"layer2.0.conv_up.weight": torch.zeros(())}), r"has the shape \(\) where", id="scalar"
        ),
        pytest.param(
            lambda s: s.update({"layer2.0.hight_block.bn_output.weight": torch.zeros(10, 2)}),
            r"has the shape \(5, 2\) where",
            id="norm",
        ),
        pytest.param(lambda s: s.pop("adjust.weight"), r"of no network that can be converted.*MedT", id="foreign"),
    ],
)
def test_tensors_that_do_not_fit_are_refused_in_a_sentence(state, tmp_path, damage, sentence):
    damage(state)
    torch.save(state, tmp_path / "damaged.pth")
    with pytest.raises(ModelFileError, match=rf"damaged\.pth: .*{sentence}") as caught:
        load_official(tmp_path / "damaged.pth")
    assert "\n" not in str(caught.value)


def test_one_output_becomes_background_and_foreground():
    one = from_state_dict(randomised(authors_network("axial-unet", 32, 1, 1)).state_dict())
    two, image = with_background(one), noise(1, 1, 32, 32)
    assert two.config["classes"] == 2
    with torch.inference_mode():
        foreground = two.network(image).softmax(1)[:, 1:]
        torch.testing.assert_close(foreground, one.network(image).sigmoid(), rtol=0, atol=1e-6)


# Colours


@pytest.mark.parametrize("name", ["gatedaxialunet_64", "medt_128"])
def test_on_red_green_blue_it_gives_what_it_gave_on_blue_green_red(golden, weights, name):
    stored, original = golden(name), load_official(weights(name))
    converted = for_rgb(original)
    with torch.inference_mode():
        before = original.network(stored["input"])
        assert error(converted.network(stored["input"].flip(1)), before) < 1e-5
        assert error(converted.network(stored["input"]), before) > 0.01
        assert torch.equal(original.network(stored["input"]), before)
    assert (converted.config, converted.architecture) == (original.config, original.architecture)


def test_a_network_of_grey_images_or_of_other_authors_is_left_alone(weights):
    for name in ("axialunet_64", "ljh_attu_net_narrow"):
        found = load_official(weights(name))
        assert for_rgb(found) is found


# Looking inside


def small(name, image_size=64, *, compatible=False, seed=0, **config):
    """A network with random gates and statistics, in double precision, for prediction."""
    torch.manual_seed(seed)
    if compatible:
        network = create(name, image_size=128, in_channels=1, compatible=True, **config)
    else:
        network = create(name, image_size=image_size, in_channels=1, **config)
    for key, tensor in [*network.named_buffers(), *network.named_parameters()]:
        if key.endswith("running_mean"):
            tensor.normal_(0, 0.2)
        elif key.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
        elif key.endswith(("g_q", "g_k", "g_v2", "norm.weight")):
            tensor.data.uniform_(0.5, 1.5)
    return network.double().eval()


def recorded(network, image):
    with torch.inference_mode(), record_attention(network) as attention:
        logits = network(image)
    return logits, attention


@pytest.mark.parametrize("prepared", [False, True], ids=["as trained", "made ready"])
@pytest.mark.parametrize(
    ("name", "compatible"),
    [*((name, False) for name in NAMES), ("medt", True), ("gated-axial-unet", True)],
)
def test_looking_changes_no_bit_of_the_result(name, compatible, prepared):
    network = small(name, compatible=compatible).float()
    network = ready(network) if prepared else network
    image = noise(1, 1, 128, 128) if compatible else noise(2, 1, 50, 64)
    with torch.inference_mode():
        before = network(image)
        during, attention = recorded(network, image)
        assert torch.equal(during, before)
        assert torch.equal(network(image), before)
    assert len(attention) >= 33
    for found in attention:
        if found.kind == "attention received":
            assert found.tensor.min() >= 0
        elif found.kind == "axial attention":
            torch.testing.assert_close(found.tensor.sum(-1), torch.ones(found.shape[:-1]), rtol=0, atol=1e-5)
        else:
            assert found.tensor.min() >= 0
            assert found.tensor.max() <= 1


@pytest.mark.parametrize("name", ["medt", "gated-axial-unet"])
def test_looking_while_training_leaves_result_and_statistics(name):
    image = noise(2, 1, 64, 64).double()
    results = []
    for look in (False, True):
        network = small(name).train()
        with torch.no_grad():
            results.append((recorded(network, image)[0] if look else network(image), dict(network.named_buffers())))
    (wanted, statistics), (found, after) = results
    assert torch.equal(found, wanted)
    assert [key for key, buffer in statistics.items() if not torch.equal(after[key], buffer)] == []


def test_looking_while_training_with_the_authors_arithmetic_leaves_the_result():
    image = noise(2, 1, 128, 128)
    network = small("medt", compatible=True).float().train()
    with torch.no_grad():
        wanted = network(image)
    found, attention = recorded(network, image)
    assert torch.equal(found, wanted)
    assert {name.split()[0] for name in attention.names()} == {"global"}  # patches go through one by one


@pytest.mark.parametrize("name", NAMES)
def test_pixels_receive_on_average_1(name):
    _, attention = recorded(small(name), noise(2, 1, 64, 64).double())
    maps = [found for found in attention if found.kind == "attention received"]
    assert len(maps) == (11 if name in ("medt", "logo") else 8)
    for found in maps:
        side = 64 // found.stride
        assert found.shape == (2, 1, side, side)
        if found.patches == 1:
            means = found.tensor.mean((1, 2, 3))
        else:  # every patch for itself
            means = found.tensor.unflatten(3, (4, -1)).unflatten(2, (4, -1)).mean((1, 3, 5))
        torch.testing.assert_close(means, torch.ones_like(means), rtol=0, atol=1e-9)
        assert found.tensor.std() > 1e-5


def received_by_products(columns, rows):
    """Sum over all output pixels of the maps A_w[y][x, x'] A_h[x'][y, y'] of head means, made one by one.

    `columns` (W, heads, H, H) and `rows` (H, heads, W, W).
    """
    columns, rows = columns.mean(1).numpy(), rows.mean(1).numpy()
    height, width = len(rows), len(columns)
    total = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            seen = np.zeros((height, width))
            for x_ in range(width):
                for y_ in range(height):
                    seen[y_, x_] = rows[y][x, x_] * columns[x_][y, y_]
            assert abs(seen.sum() - 1) < 1e-9
            total += seen
    return total


@pytest.mark.parametrize("prepared", [False, True], ids=["as trained", "made ready"])
def test_what_a_pixel_receives_is_the_sum_of_the_products_along_both_axes(prepared):
    network, image = small("gated-axial-unet"), noise(2, 1, 64, 96).double()
    _, attention = recorded(ready(network) if prepared else network, image)
    columns, rows = (attention[f"block 4.1 {axis}"].tensor for axis in ("height", "width"))
    assert (tuple(columns.shape), tuple(rows.shape)) == ((2, 12, 8, 8, 8), (2, 8, 8, 12, 12))
    received = attention["block 4.1 received"]
    assert received.stride == 8
    for n in range(2):
        wanted = torch.from_numpy(received_by_products(columns[n], rows[n]))
        assert error(received.tensor[n, 0], wanted) < 1e-10


@pytest.mark.parametrize("name", ["medt", "logo"])
def test_maps_of_patches_lie_where_the_patches_were(name):
    _, attention = recorded(small(name), noise(2, 1, 64, 128).double())
    columns, rows = (attention[f"local 3.2 {axis}"].tensor for axis in ("height", "width"))
    received = attention["local 3.2 received"]
    assert (received.stride, received.offset, received.patches) == (8, 3.5, 4)
    assert tuple(received.shape) == (2, 1, 8, 16)
    assert (tuple(columns.shape), tuple(rows.shape)) == ((32, 4, 8, 2, 2), (32, 2, 8, 4, 4))
    for n in range(2):
        for row in range(4):
            for column in range(4):
                patch = 16 * n + 4 * row + column
                wanted = torch.from_numpy(received_by_products(columns[patch], rows[patch]))
                window = received.tensor[n, 0, 2 * row : 2 * row + 2, 4 * column : 4 * column + 4]
                assert error(window, wanted) < 1e-10


def test_maps_end_with_the_image():
    network, image = small("logo"), noise(1, 1, 50, 61).double()
    padded = F.pad(image, (0, 3, 0, 14), mode="replicate")
    for found, whole in zip(recorded(network, image)[1], recorded(network, padded)[1], strict=True):
        if found.kind == "axial attention":
            assert torch.equal(found.tensor, whole.tensor)
        else:
            cells = [-(-size // found.stride) for size in (50, 61)]
            assert found.shape == (1, 1, *cells)
            assert torch.equal(found.tensor, whole.tensor[..., : cells[0], : cells[1]])


# The shares of positions, from the equation


def inputs_of(network, modules, image):
    seen = {}

    def keep(module, inputs):
        seen[module] = inputs[0].clone()

    handles = [module.register_forward_pre_hook(keep) for module in modules]
    with torch.inference_mode():
        network(image)
    for handle in handles:
        handle.remove()
    return [seen[module] for module in modules]


def terms_and_parts(layer, x):
    """Both terms (N, O, heads, L, L) and both parts of the result (N, O, heads, c, L) in equation 3.

    Offsets of norms are left out.
    """
    lines = x.transpose(2, 3) if layer.axis == "height" else x
    count, channels, across, length = lines.shape
    width = channels // 8
    half = width // 2

    def factor(norm):
        return norm.weight / (norm.running_var + norm.eps).sqrt()

    qkv = layer.qkv.norm(F.conv2d(lines, layer.qkv.conv.weight))
    qkv = qkv.reshape(count, 8, 2 * width, across, length).permute(0, 3, 1, 2, 4)
    q, k, v = qkv[:, :, :, :half], qkv[:, :, :, half:width], qkv[:, :, :, width:]
    distances = torch.arange(length)[:, None] - torch.arange(length) + layer.length - 1
    e_q, e_k, e_v = (
        layer.relative[part][:, distances] for part in (slice(half), slice(half, width), slice(width, None))
    )
    of_content, of_query, of_key = factor(layer.similarity_norm).view(3, 8, 1, 1)
    g_q, g_k, g_v1, g_v2 = (getattr(layer, gate) if layer.gated else 1.0 for gate in ("g_q", "g_k", "g_v1", "g_v2"))
    content = of_content * torch.einsum("nogci,nogcj->nogij", q, k)
    positional = g_q * of_query * torch.einsum("nogci,cij->nogij", q, e_q)
    positional = positional + g_k * of_key * torch.einsum("nogcj,cji->nogij", k, e_k)
    attention = (content + positional).softmax(-1)
    of_values, of_places = (factor(norm).view(8, width, 1) for norm in (layer.content_norm, layer.position_norm))
    given = g_v1 * of_values * torch.einsum("nogij,nogcj->nogci", attention, v)
    placed = g_v2 * of_places * torch.einsum("nogij,cij->nogci", attention, e_v)
    return content, positional, given, placed


@pytest.mark.parametrize("prepared", [False, True], ids=["as trained", "made ready"])
@pytest.mark.parametrize("compatible", [False, True], ids=["default", "compatible"])
@pytest.mark.parametrize("name", ["gated-axial-unet", "axial-unet"])
def test_shares_of_positions_are_those_of_the_equation(name, compatible, prepared):
    network = small(name, compatible=compatible)
    image = noise(2, 1, *network.image_size * torch.ones(2, dtype=int).numpy()).double()
    _, attention = recorded(ready(network) if prepared else network, image)
    block = network.branch.layers[3][0]
    in_similarity, in_output = [], []
    with torch.inference_mode():
        for layer, x in zip(
            (block.height, block.width), inputs_of(network, (block.height, block.width), image), strict=True
        ):
            content, positional, given, placed = terms_and_parts(layer, x)
            spread, other = positional.std(-1, correction=0), content.std(-1, correction=0)
            size, rest = placed.square().sum(3).sqrt(), given.square().sum(3).sqrt()
            for shares, part, whole in ((in_similarity, spread, spread + other), (in_output, size, size + rest)):
                share = (part / whole).mean(2)  # N, O, L
                shares.append(share.transpose(1, 2) if layer.axis == "height" else share)
    for what, shares in (("similarity", in_similarity), ("output", in_output)):
        found = attention[f"block 4.1 positions in {what}"].tensor
        assert error(found[:, 0], sum(shares) / 2) < 1e-9
        assert found.std() > 1e-3


def test_a_network_without_weight_on_positions_shows_a_share_of_0():
    network = small("gated-axial-unet")
    for key, parameter in network.named_parameters():
        if key.endswith(("g_q", "g_k", "g_v2")):
            parameter.data.zero_()
    _, attention = recorded(network, noise(1, 1, 64, 64).double())
    shares = [found for found in attention if found.kind == "positional share"]
    assert len(shares) == 16
    assert not any(found.tensor.any() for found in shares)


@pytest.mark.parametrize("prepared", [False, True], ids=["as trained", "made ready"])
def test_recording_one_map_computes_that_map_alone(prepared):
    network, image = small("medt").float(), noise(1, 1, 64, 64)
    network = ready(network) if prepared else network
    _, everything = recorded(network, image)
    for name in ("global 2.1 width", "local 3.4 received", "global 1.1 positions in output"):
        with torch.inference_mode(), record_attention(network, [name]) as attention:
            network(image)
        assert attention.names() == [name]
        assert torch.equal(attention[name].tensor, everything[name].tensor)
