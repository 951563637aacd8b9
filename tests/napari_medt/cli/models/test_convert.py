"""``napari-medt convert``: real checkpoints in, models that give the same answers out."""

import os

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from benchmarks.authors_medt import authors_network
from napari_medt.cli import app
from src_models import create, load, read_header, segment

MULTI, NARROW = "agn_unet_ct_multi_att_dsv_3d", "ljh_attu_net_narrow"
GATED, MEDT = "gatedaxialunet_64", "medt_128"


@pytest.fixture
def run():
    """Run the command line in this process; give the result with stdout and stderr apart."""
    runner = CliRunner(env={"COLUMNS": "200"})
    return lambda *arguments: runner.invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def checkpoint(shared, tmp_path):
    """A .pth file as the papers' own code writes it, of a reference network; `change` may alter the state dict."""

    def write(name, change=lambda state: state):
        path = tmp_path / f"{name}.pth"
        torch.save(change(load_file(shared / "golden" / f"{name}.weights.safetensors")), path)
        return path

    return write


@pytest.fixture
def golden(shared):
    def read(name):
        with np.load(shared / "golden" / f"{name}.io.npz") as stored:
            return {key: stored[key] for key in stored.files}

    return read


def test_a_converted_model_gives_the_outputs_of_the_papers_code(run, checkpoint, golden, tmp_path):
    output = tmp_path / "pancreas.safetensors"
    done = run(
        *("convert", checkpoint(MULTI), "--architecture", "attention-unet", "--output", output, "--align-corners"),
        *("--name", "pancreas", "--purpose", "Organs in CT", "--classes", "background, spleen,kidney,pancreas"),
        *("--licence", "MIT"),
    )
    assert done.exit_code == 0, done.stderr
    assert f"Wrote {output}" in done.stdout
    assert "attention-unet, 3D, channels grey, classes background, spleen, kidney, pancreas" in done.stdout
    model, stored = load(output), golden(MULTI)
    with torch.inference_mode():
        logits = model.network(torch.from_numpy(stored["input"])).numpy()
    wanted = stored["output_align_corners_true"]
    assert np.abs(logits - wanted).max() < 1e-5 * np.abs(wanted).max()
    header = model.header
    assert (header.name, header.purpose, header.licence) == ("pancreas", "Organs in CT", "MIT")
    assert header.classes == ("background", "spleen", "kidney", "pancreas")
    assert (header.dimensions, len(header.tile)) == (3, 3)
    assert header.training["converted_from"] == f"{MULTI}.pth"
    assert len(header.training["converted_sha256"]) == 64


def test_a_converted_colour_model_segments_an_image(run, checkpoint, tmp_path):
    output = tmp_path / "skin.safetensors"
    assert run("convert", checkpoint(NARROW), "-o", output).exit_code == 0
    header = read_header(output)
    assert (header.name, header.purpose) == ("skin", f"converted from {NARROW}.pth")
    assert header.channels == ("red", "green", "blue")
    assert header.classes == ("background", "class 1")
    assert header.licence == "unknown"
    assert (header.intensity.kind, header.intensity.high) == ("signed-window", 255)  # its authors' Normalize(0.5, 0.5)
    image = np.random.default_rng(0).integers(0, 256, (70, 50, 3), dtype=np.uint8)
    found = segment(image, load(output), attention=True, device="cpu")
    assert found.labels.shape == (70, 50)
    assert [placed.name for placed in found.attention] == ["gate 1", "gate 2", "gate 3", "gate 4"]


def test_one_output_for_a_sigmoid_becomes_two_classes(run, checkpoint, golden, tmp_path):
    def first_class_only(state):
        return {**state, "Conv_1x1.weight": state["Conv_1x1.weight"][:1], "Conv_1x1.bias": state["Conv_1x1.bias"][:1]}

    output = tmp_path / "one.safetensors"
    assert run("convert", checkpoint(NARROW, first_class_only), "-o", output, "--classes", "skin,lesion").exit_code == 0
    model, stored = load(output), golden(NARROW)
    assert model.header.classes == ("skin", "lesion")
    with torch.inference_mode():
        probability = model.network(torch.from_numpy(stored["input"])).softmax(1)[:, 1].numpy()
    np.testing.assert_allclose(probability, 1 / (1 + np.exp(-stored["output"][:, 0])), rtol=0, atol=1e-5)


def test_a_checkpoint_of_several_gpus_and_a_plain_network_are_converted(run, checkpoint, tmp_path):
    def plain(state):
        return {f"module.{name}": tensor for name, tensor in state.items() if not name.startswith("Att")}

    output = tmp_path / "plain.safetensors"
    done = run("convert", checkpoint(NARROW, plain), "-o", output, "--architecture", "unet")
    assert done.exit_code == 0, done.stderr
    header = read_header(output)
    assert header.architecture == "unet"
    assert create(header.architecture, **header.config).in_channels == 3


# Medical Transformer


def probabilities(image, path):
    return segment(image, load(path), axes="YXC", device="cpu").probabilities.astype(np.float32)


@pytest.mark.parametrize(
    ("name", "architecture", "window", "options", "white"),
    [
        (MEDT, "medt", 128, [], 255),
        ("logo_128", "logo", 128, [], 255),
        (GATED, "gated-axial-unet", 64, [], 255),
        (GATED, "gated-axial-unet", 64, ["--intensity", "window:0:1"], 1),
    ],
)
def test_an_image_through_the_converted_model_gives_the_authors_output(
    run, checkpoint, golden, tmp_path, name, architecture, window, options, white
):
    """Their images are blue, green, red, from 0 to 1; ours are red, green, blue, and from 0 to white."""
    output, stored = tmp_path / "glands.safetensors", golden(name)
    done = run("convert", checkpoint(name), "--architecture", architecture, "--output", output, *options)
    assert done.exit_code == 0, done.stderr
    assert f"{architecture}, 2D, channels red, green, blue, classes background, class 1" in done.stdout
    assert f"grey values: window 0 to {white}, as {'given' if options else 'its authors trained it'}" in done.stdout
    header = read_header(output)
    assert (header.tile, header.overlap) == ((window, window), (window // 4, window // 4))
    assert header.config["compatible"] is True

    raised = np.exp(stored["output"][0])
    wanted = raised / raised.sum(0)
    seen = white * np.moveaxis(stored["input"][0, ::-1], 0, -1)
    np.testing.assert_allclose(probabilities(seen, output), wanted, atol=1e-3)
    assert np.abs(probabilities(seen[..., ::-1], output) - wanted).max() > 0.05, "the order of colours matters"


def test_a_photograph_of_bytes_gives_what_the_authors_network_makes_of_it(run, checkpoint, shared, tmp_path):
    """Smaller than the window: the border is repeated."""
    theirs = authors_network("gated-axial-unet", 64).eval()
    theirs.load_state_dict(load_file(shared / "golden" / f"{GATED}.weights.safetensors"))
    image = np.random.default_rng(0).integers(0, 256, (50, 61, 3), dtype=np.uint8)
    padded = np.pad(image, [(0, 14), (0, 3), (0, 0)], mode="edge")
    with torch.inference_mode():
        batch = torch.from_numpy(np.moveaxis(padded[..., ::-1] / 255, -1, 0).astype(np.float32))[None]
        wanted = theirs(batch).softmax(1)[0, :, :50, :61].numpy()
    assert run("convert", checkpoint(GATED), "-o", tmp_path / "m.safetensors").exit_code == 0
    np.testing.assert_allclose(probabilities(image, tmp_path / "m.safetensors"), wanted, atol=1e-3)
    large = np.random.default_rng(0).integers(0, 256, (90, 130, 3), dtype=np.uint8)
    assert segment(large, load(tmp_path / "m.safetensors"), device="cpu").labels.shape == (90, 130)


def test_a_network_of_several_gpus_is_the_same_model(run, checkpoint, tmp_path):
    one, several = tmp_path / "one.safetensors", tmp_path / "several.safetensors"
    assert run("convert", checkpoint(GATED), "-o", one).exit_code == 0
    file = checkpoint(GATED, lambda state: {f"module.{name}": tensor for name, tensor in state.items()})
    assert run("convert", file, "-o", several, "--architecture", "gated-axial-unet").exit_code == 0
    first, second = load_file(one), load_file(several)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert read_header(one).config == read_header(several).config


# What is refused: one line that names the file, exit code 1, nothing written


class Malicious:
    """A pickle that would make a file if it were ever unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (open, (str(self.mark), "w"))


@pytest.fixture
def refused(run, tmp_path):
    def check(file, sentence, *options):
        output = tmp_path / "out" / "model.safetensors"
        done = run("convert", file, "--output", output, *options)
        assert done.exit_code == 1
        assert done.stderr.startswith(f"Error: {file}: ")
        assert done.stderr.count("\n") == 1
        assert sentence in done.stderr
        assert not output.exists()

    return check


def test_pickled_code_is_refused_and_never_run(refused, checkpoint, tmp_path):
    mark = tmp_path / "mark"
    refused(checkpoint(NARROW, lambda state: {**state, "extra": Malicious(mark)}), "pickled code, which is never run")
    assert not mark.exists()


def test_a_truncated_checkpoint_is_refused(refused, checkpoint):
    file = checkpoint(NARROW)
    os.truncate(file, file.stat().st_size // 2)
    refused(file, "it is damaged")


def test_an_absent_file_is_refused(refused, tmp_path):
    refused(tmp_path / "absent.pth", "there is no such file")


def test_another_network_is_refused_with_those_that_can_be_converted(refused, checkpoint):
    refused(checkpoint("agn_unet_grid_attention_3d"), "can be converted")
    refused(checkpoint("monai_attunet_2d"), "AttU_Net of LeeJunHyun/Image_Segmentation")


def test_an_unexpected_network_is_refused(refused, checkpoint):
    refused(checkpoint(NARROW), "--architecture attention-unet, not unet", "--architecture", "unet")


def test_another_axial_network_than_expected_is_refused(refused, checkpoint):
    refused(checkpoint(GATED), "which is --architecture gated-axial-unet, not medt", "--architecture", "medt")
    refused(checkpoint(NARROW), "--architecture attention-unet, not medt", "--architecture", "medt")


def test_a_missing_and_a_surplus_tensor_are_refused(refused, checkpoint):
    refused(checkpoint(NARROW, lambda s: {k: v for k, v in s.items() if k != "Att3.psi.0.bias"}), "Att3.psi.0.bias")
    refused(checkpoint(NARROW, lambda s: {**s, "fc.weight": torch.ones(2)}), "has in excess 1 tensors (fc.weight)")


def test_a_failed_training_is_refused(refused, checkpoint):
    refused(checkpoint(NARROW, lambda s: {**s, "Conv_1x1.bias": torch.full((2,), float("nan"))}), "NaN or infinite")
    gate = {"layer2.1.width_block.f_qr": torch.tensor(float("nan"))}
    refused(checkpoint(GATED, lambda s: {**s, **gate}), "branch.layers.1.1.width.g_q has NaN or infinite")


def test_too_few_class_names_are_refused(refused, checkpoint):
    refused(checkpoint(MULTI), "4 classes with the background, and 2 are named", "--classes", "background,liver")


def test_an_existing_model_is_kept_unless_told(run, checkpoint, tmp_path):
    output, file = tmp_path / "model.safetensors", checkpoint(NARROW)
    output.write_bytes(b"precious")
    done = run("convert", file, "-o", output)
    assert (done.exit_code, output.read_bytes()) == (1, b"precious")
    assert f"{output} exists already" in done.stderr
    assert run("convert", file, "-o", output, "--overwrite").exit_code == 0
    assert load(output).header.architecture == "attention-unet"


def test_the_output_has_to_be_a_model_file(run, checkpoint, tmp_path):
    done = run("convert", checkpoint(NARROW), "-o", tmp_path / "model.pth")
    assert done.exit_code == 1
    assert ".safetensors" in done.stderr
    assert not (tmp_path / "model.pth").exists()
