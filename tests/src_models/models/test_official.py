"""Checkpoints of the papers' own code: the same outputs to the last digits, or a sentence that says why not."""

import importlib.util
import pickle
from collections import OrderedDict
from itertools import pairwise

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from src_models.attention.recording import record_attention
from src_models.errors import ModelFileError
from src_models.models.official import from_state_dict, load_official, with_background

SINGLE, MULTI, NARROW = "agn_unet_ct_single_att_dsv_3d", "agn_unet_ct_multi_att_dsv_3d", "ljh_attu_net_narrow"
WIDTHS = [4, 8, 16, 32, 64]


@pytest.fixture
def golden(shared):
    """Inputs, outputs and maps of a reference network."""

    def read(name):
        with np.load(shared / "golden" / f"{name}.io.npz") as stored:
            return {key: stored[key] for key in stored.files}

    return read


@pytest.fixture
def weights(shared):
    """Path of a reference network's weights."""
    return lambda name: shared / "golden" / f"{name}.weights.safetensors"


@pytest.fixture
def state(weights):
    """A small reference state dict that a test may damage."""
    return load_file(weights(NARROW))


def error(found, wanted):
    """Largest difference, as a share of the largest value."""
    assert tuple(found.shape) == wanted.shape
    return np.abs(found.detach().numpy() - wanted).max() / np.abs(wanted).max()


def ljh_shapes(widths, in_channels, classes, *, gated):
    """Names and shapes of the state dict of AttU_Net, or U_Net, written down from their description."""
    shapes = {}

    def convolution(name, outputs, inputs, kernel):
        shapes[f"{name}.weight"] = (outputs, inputs, kernel, kernel)
        shapes[f"{name}.bias"] = (outputs,)

    def batch_norm(name, channels):
        shapes.update({f"{name}.{leaf}": (channels,) for leaf in ("weight", "bias", "running_mean", "running_var")})
        shapes[f"{name}.num_batches_tracked"] = ()

    def pair(name, outputs, inputs):
        for position, channels in ((0, inputs), (3, outputs)):
            convolution(f"{name}.conv.{position}", outputs, channels, 3)
            batch_norm(f"{name}.conv.{position + 1}", outputs)

    pair("Conv1", widths[0], in_channels)
    for level, (above, width) in enumerate(pairwise(widths), start=2):
        pair(f"Conv{level}", width, above)
        convolution(f"Up{level}.up.1", above, width, 3)
        batch_norm(f"Up{level}.up.2", above)
        pair(f"Up_conv{level}", above, 2 * above)
        gate = (("W_g", above // 2, above), ("W_x", above // 2, above), ("psi", 1, above // 2)) if gated else ()
        for part, outputs, inputs in gate:
            convolution(f"Att{level}.{part}.0", outputs, inputs, 1)
            batch_norm(f"Att{level}.{part}.1", outputs)
    convolution("Conv_1x1", classes, widths[0], 1)
    return shapes


# The same outputs


@pytest.mark.parametrize("name", [SINGLE, MULTI])
@pytest.mark.parametrize("align_corners", [False, True])
def test_the_papers_3d_networks_give_their_outputs_and_coefficients(golden, weights, name, align_corners):
    stored = golden(name)
    found = load_official(weights(name), align_corners=align_corners)
    with torch.inference_mode(), record_attention(found.network) as attention:
        logits = found.network(torch.from_numpy(stored["input"]))
    assert error(logits, stored["output_align_corners_true" if align_corners else "output"]) < 1e-5
    maps = 2 if name == MULTI else 1
    assert attention.names() == ["gate 2", "gate 3", "gate 4"]
    assert found.config["subgates"] == maps
    if not align_corners:  # the stored coefficients are of the network as today's PyTorch runs it
        for level in (2, 3, 4):
            wanted = [stored[f"att:attentionblock{level}.gate_block_{k + 1}"] for k in range(maps)]
            assert error(attention[f"gate {level}"].tensor, np.concatenate(wanted, axis=1)) < 1e-5


def test_the_2d_network_gives_its_outputs_and_coefficients(golden, weights):
    stored = golden(NARROW)
    found = load_official(weights(NARROW))
    image = torch.from_numpy(stored["input"])
    with torch.inference_mode(), record_attention(found.network) as attention:
        assert error(found.network(image), stored["output"]) < 1e-5
        for level in (1, 2, 3, 4):
            assert error(attention[f"gate {level}"].tensor, stored[f"att:Att{level + 1}"]) < 1e-5
        assert error(found.network.double()(image.double()), stored["output_f64"]) < 1e-12


@pytest.mark.parametrize("align_corners", [False, True])
def test_the_2d_network_does_not_interpolate_linearly(golden, weights, align_corners):
    stored = golden(NARROW)
    network = load_official(weights(NARROW), align_corners=align_corners).network
    with torch.inference_mode():
        assert error(network(torch.from_numpy(stored["input"])), stored["output"]) < 1e-5


def test_the_2d_network_at_full_width_gives_its_output(shared, golden):
    stored = golden("ljh_attu_net_full_seeded")
    spec = importlib.util.spec_from_file_location("seeded", shared / "golden" / "seeded.py")
    seeded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(seeded)
    shapes = ljh_shapes([64, 128, 256, 512, 1024], 3, 1, gated=True)
    filled = {key: seeded.seeded_array(key, shape) for key, shape in shapes.items()}
    filled |= {key.removeprefix("w:"): value for key, value in stored.items() if key.startswith("w:")}
    assert filled.keys() == shapes.keys()
    found = from_state_dict({key: torch.from_numpy(np.asarray(value)) for key, value in filled.items()})
    with torch.inference_mode():
        assert error(found.network(torch.from_numpy(stored["input"])), stored["output"]) < 1e-4


def test_the_description_of_the_2d_network_is_that_of_its_weights(state):
    shapes = ljh_shapes(WIDTHS, 3, 2, gated=True)
    assert shapes == {name: tuple(tensor.shape) for name, tensor in state.items()}


def test_without_its_gates_the_papers_network_is_the_plain_one(golden, weights):
    """A gated checkpoint whose gates are left out is one of unet_CT_dsv_3D."""
    gated = load_file(weights(SINGLE))
    plain = {name: tensor for name, tensor in gated.items() if not name.startswith(("attention", "gating"))}
    assert len(plain) == 136  # tensors of the authors' class
    found = from_state_dict(plain)
    assert found.architecture == "unet"
    assert sum(parameter.numel() for parameter in found.network.parameters()) == 369_168
    with torch.inference_mode(), record_attention(found.network) as attention:
        logits = found.network(torch.from_numpy(golden(SINGLE)["input"]))
    assert tuple(logits.shape) == (1, 4, 32, 32, 32)
    assert len(attention) == 0


# What is read off the tensors


def test_the_configuration_is_read_off_the_shapes(weights):
    paper, copied = load_official(weights(MULTI), align_corners=True), load_official(weights(NARROW))
    assert (paper.architecture, copied.architecture) == ("attention-unet", "attention-unet")
    assert paper.config == {
        "in_channels": 1,
        "classes": 4,
        "dimensions": 3,
        "widths": WIDTHS,
        "gate": "grid",
        "gate_norm": False,
        "subgates": 2,
        "deep_supervision": True,
        "align_corners": True,
    }
    assert copied.config == {
        "in_channels": 3,
        "classes": 2,
        "dimensions": 2,
        "widths": WIDTHS,
        "gate": "skip",
        "subgates": 1,
        "deep_supervision": False,
        "upsampling": "conv",
    }


@pytest.mark.parametrize(
    ("in_channels", "classes", "widths", "gated"),
    [(1, 1, [2, 4, 6, 8, 10], True), (4, 5, [3, 3, 5, 7, 9], False)],
    ids=["gated", "plain"],
)
def test_any_width_channels_and_classes(in_channels, classes, widths, gated):
    generator = torch.Generator().manual_seed(0)
    shapes = ljh_shapes(widths, in_channels, classes, gated=gated)
    found = from_state_dict({name: torch.rand(shape, generator=generator) for name, shape in shapes.items() if shape})
    assert found.architecture == ("attention-unet" if gated else "unet")
    assert found.config["widths"] == widths
    assert tuple(found.network(torch.zeros(2, in_channels, 33, 20)).shape) == (2, classes, 33, 20)
    parameters = [n for n in shapes if not n.endswith(("running_mean", "running_var", "num_batches_tracked"))]
    assert sum(np.prod(shapes[n], dtype=int) for n in parameters) == sum(p.numel() for p in found.network.parameters())


def test_every_tensor_arrives_unchanged(state):
    """Each tensor is filled with a number of its own, and each number is found once in a tensor of that shape."""
    numbered = {name: torch.full_like(tensor, index) for index, (name, tensor) in enumerate(state.items())}
    arrived = from_state_dict(numbered).network.state_dict()
    assert sorted((int(t.flatten()[0]), tuple(t.shape)) for t in arrived.values()) == [
        (index, tuple(tensor.shape)) for index, tensor in enumerate(state.values())
    ]
    assert all(t.unique().numel() == 1 for t in arrived.values())


def test_reading_draws_no_random_numbers_and_gives_a_network_of_its_own(state):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    found = from_state_dict(state)
    assert torch.equal(torch.get_rng_state(), before)
    assert not found.network.training
    state["Conv_1x1.bias"].fill_(7)
    assert not (found.network.state_dict()["heads.0.bias"] == 7).any()


# Files


def wrapped(state):
    return {f"module.{name}": tensor for name, tensor in state.items()}


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        pytest.param("pth", OrderedDict, id="ordered"),
        pytest.param("pt", dict, id="dictionary"),
        pytest.param("pth", wrapped, id="DataParallel"),
        pytest.param("pth", lambda s: {"epoch": 3, "state_dict": wrapped(s), "optimizer": {"lr": 0.1}}, id="training"),
        pytest.param(
            "pth", lambda s: {k: torch.nn.Parameter(v) if v.ndim else v for k, v in s.items()}, id="parameters"
        ),
        pytest.param("pth", lambda s: {k: v for k, v in s.items() if "num_batches" not in k}, id="old"),
        pytest.param("pth", lambda s: {k: v.double() if v.ndim else v for k, v in s.items()}, id="float64"),
    ],
)
def test_every_way_to_save_a_state_dict_is_read(golden, state, tmp_path, suffix, content):
    path = tmp_path / f"final.{suffix}"
    torch.save(content(state), path)
    stored = golden(NARROW)
    with torch.inference_mode():
        logits = load_official(path).network(torch.from_numpy(stored["input"]))
    assert logits.dtype == torch.float32
    assert error(logits, stored["output"]) < 1e-5


def test_the_zip_free_format_of_old_pytorch_is_read(state, tmp_path):
    torch.save(state, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert load_official(tmp_path / "old.pth").config["classes"] == 2


class Malicious:
    """A pickle that would make a file if it were ever unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (open, (str(self.mark), "w"))


def test_pickled_code_is_never_run(state, tmp_path):
    mark, path = tmp_path / "mark", tmp_path / "model.pth"
    torch.save({**state, "extra": Malicious(mark)}, path)
    with pytest.raises(ModelFileError, match=r"model\.pth: .*pickled code, which is never run.*state_dict"):
        load_official(path)
    path.write_bytes(pickle.dumps(Malicious(mark)))
    with pytest.raises(ModelFileError, match="never run"):
        load_official(path)
    assert not mark.exists()


def test_a_whole_pickled_network_is_refused(tmp_path):
    torch.save(torch.nn.Conv2d(1, 1, 1), tmp_path / "whole.pth")
    with pytest.raises(ModelFileError, match=r"whole\.pth: .*state_dict"):
        load_official(tmp_path / "whole.pth")


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
@pytest.mark.parametrize("share", [0, 0.0001, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(state, tmp_path, suffix, share):
    path = tmp_path / f"cut.{suffix}"
    (save_file if suffix == "safetensors" else torch.save)(state, path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ModelFileError, match=rf"cut\.{suffix}: "):
        load_official(path)


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_a_text_file_is_refused(tmp_path, suffix):
    path = tmp_path / f"notes.{suffix}"
    path.write_text("these are no weights\n" * 20)
    with pytest.raises(ModelFileError, match=rf"notes\.{suffix}: "):
        load_official(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "absent.pth", tmp_path):
        with pytest.raises(ModelFileError, match="there is no such file"):
            load_official(path)


def test_a_model_of_ours_is_named_as_such(tiny_model_path):
    with pytest.raises(ModelFileError, match=r"tiny\.safetensors: this is a napari-medt model already"):
        load_official(tiny_model_path)


@pytest.mark.parametrize("content", [torch.zeros(3), {}, {"a": 1}, [1, 2], {"state_dict": {}}, None])
def test_a_file_without_named_tensors_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(ModelFileError, match=r"other\.pth: this holds other things than named tensors"):
        load_official(tmp_path / "other.pth")


# Tensors that do not fit


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        pytest.param(
            lambda s: s.pop("Att3.psi.1.running_var"), r"lacks 1 tensors \(Att3\.psi\.1\.running_var\)", id="one"
        ),
        pytest.param(
            lambda s: [s.pop(name) for name in list(s) if name.startswith("Up4.")],
            r"lacks 6 tensors \(Up4\.up\.1\.weight, Up4\.up\.1\.bias, Up4\.up\.2\.weight\)",
            id="module",
        ),
        pytest.param(
            lambda s: s.update({"fc.bias": torch.zeros(2)}), r"has in excess 1 tensors \(fc\.bias\)", id="excess"
        ),
        pytest.param(
            lambda s: s.update({"Up3.up.1.weight": torch.zeros(8, 16, 2, 2)}),
            r"Up3\.up\.1\.weight has the shape \(8, 16, 2, 2\) where \(8, 16, 3, 3\) is needed",
            id="shape",
        ),
        pytest.param(
            lambda s: s["Conv2.conv.0.bias"].fill_(float("nan")), r"Conv2\.conv\.0\.bias has NaN or infinite", id="NaN"
        ),
        pytest.param(
            lambda s: s["Att2.psi.1.running_mean"].fill_(float("-inf")), r"Att2\.psi\.1\.running_mean has NaN", id="inf"
        ),
        pytest.param(
            lambda s: s.update({"Conv_1x1.bias": torch.zeros(2, dtype=torch.int64)}),
            r"type torch\.int64",
            id="integers",
        ),
        pytest.param(
            lambda s: s.update({"Conv5.conv.0.weight": torch.zeros(())}), r"its convolutions have", id="scalar"
        ),
        pytest.param(lambda s: s.update({"Conv1.conv.0.weight": torch.zeros(4)}), r"its convolutions have", id="flat"),
        pytest.param(
            lambda s: s.update({"Conv_1x1.weight": torch.zeros(0, 4, 1, 1)}),
            r"its convolutions have",
            id="empty",
        ),
        pytest.param(
            lambda s: s.pop("Conv_1x1.weight"), r"are of no network that can be converted.*U_Net", id="foreign"
        ),
    ],
)
def test_tensors_that_do_not_fit_are_refused_by_name(state, tmp_path, damage, sentence):
    damage(state)
    torch.save(state, tmp_path / "damaged.pth")
    with pytest.raises(ModelFileError, match=rf"damaged\.pth: .*{sentence}"):
        load_official(tmp_path / "damaged.pth")


def test_other_networks_of_the_same_authors_are_refused(weights):
    with pytest.raises(ModelFileError, match="are of no network that can be converted"):
        load_official(weights("agn_unet_grid_attention_3d"))


# One output for a sigmoid


def test_one_output_becomes_background_and_foreground():
    generator = torch.Generator().manual_seed(1)
    shapes = ljh_shapes([2, 4, 4, 4, 4], 1, 1, gated=True)
    one = from_state_dict({name: torch.rand(shape, generator=generator) for name, shape in shapes.items() if shape})
    two = with_background(one)
    image = torch.rand(1, 1, 32, 32, generator=generator)
    with torch.inference_mode():
        foreground = two.network(image).softmax(1)[:, 1:]
        torch.testing.assert_close(foreground, one.network(image).sigmoid(), rtol=0, atol=1e-6)
    assert (two.config["classes"], one.config["classes"]) == (2, 1)


def test_several_outputs_are_left_alone(state):
    found = from_state_dict(state)
    assert with_background(found) is found
