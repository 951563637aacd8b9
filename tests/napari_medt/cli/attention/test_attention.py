"""``napari-medt attention``: its files and table, against what Python gives, and options that it refuses."""

import csv

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
import tifffile
import torch
from typer.testing import CliRunner

import src_models as sm
from napari_medt.cli import app
from src_models.attention.map_files import read_map
from src_models.files.images import read_image
from src_models.models.checkpoint import Model, save
from src_models.models.header import ModelHeader
from src_models.probing.channel_probe import ChannelProbe
from src_models.probing.position_probe import PositionProbe

pytestmark = pytest.mark.usefixtures("either_precision")
UNET = {"widths": [4, 8, 8, 8]}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run ``napari-medt attention`` into the folder `out`; give the result with stdout and stderr apart."""
    monkeypatch.chdir(tmp_path)
    runner = CliRunner(env={"COLUMNS": "200"})
    return lambda *arguments: runner.invoke(
        app, ["attention", *(str(argument) for argument in arguments), "--output", "out", "--device", "cpu"]
    )


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Files of random models, by name."""
    folder = tmp_path_factory.mktemp("models")
    made = {
        "gates": ("attention-unet", UNET),
        "others": ("attention-unet", {"widths": [4, 8, 8]}),
        "plain": ("unet", UNET),
    }
    made["axial"] = ("gated-axial-unet", {"image_size": 64})
    made["guided"] = ("guided-attention", {"width": 4, "image_size": 64})
    return {name: save(model(name, *form), folder / f"{name}.safetensors") for name, form in made.items()}


def model(name, architecture, config):
    torch.manual_seed(sum(map(ord, name)))
    config = {**config, "in_channels": 1, "classes": 2}
    sized = {"object_diameter": 20.0, "diameter_range": (15.0, 30.0)} if name in ("gates", "axial") else {}
    header = ModelHeader(
        name=name,
        purpose="Tests",
        architecture=architecture,
        config=config,
        classes=("background", "cell"),
        channels=("grey",),
        tile=(96, 96) if name == "guided" else (64, 64),
        overlap=(16, 16),
        **sized,
    )
    return Model(sm.create(architecture, **config).eval(), header)


@pytest.fixture
def image(tmp_path):
    """An image of noise, 50 x 60, in a file."""
    data = np.random.default_rng(0).integers(0, 255, (50, 60), np.uint8)
    tifffile.imwrite(tmp_path / "cells.tif", data)
    return data


def written(tmp_path):
    return sorted(path.name for path in (tmp_path / "out").iterdir())


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_maps_of_gates_and_their_values_at_pixels(run, tmp_path, models, image):
    done = run("cells.tif", "--model", models["gates"], "--at", "7,30", "--at", "49,59", "--table", "maps.csv")
    assert done.exit_code == 0, done.output
    assert written(tmp_path) == ["cells_attention_gate_2.ome.tif", "cells_attention_gate_3.ome.tif"]
    wanted = sm.segment(image, sm.load(models["gates"]), attention=True, device="cpu").attention
    read = {(row["map"], row["position_px"]): row for row in rows(tmp_path / "maps.csv")}
    assert len(read) == 4
    assert not (tmp_path / "maps_gates.csv").exists()
    for placed in wanted:
        path = tmp_path / "out" / f"cells_attention_{placed.name.replace(' ', '_')}.ome.tif"
        np.testing.assert_array_equal(read_map(path).data, placed.data)
        step = int(placed.scale[0])
        for row, column in ((7, 30), (49, 59)):
            value = placed.data[row // step, column // step]
            assert float(read[placed.name, f"{row} {column}"]["value"]) == value
            assert f"{placed.name} {value:.3f}" in done.stdout
        assert float(read[placed.name, "7 30"]["mean"]) == pytest.approx(np.mean(placed.data, dtype=float))


def test_where_pixels_look_is_what_the_probe_says_at_the_zoom_of_the_run(run, tmp_path, models, image):
    blocks = ("block 1.1", "block 2.1")
    arguments = ("cells.tif", "--model", models["axial"], "--diameter", 10, "--at", "7,30", "--at", "40,2")
    arguments += ("--map", "block 2.1 received", "--table", "maps.csv")
    done = run(*arguments, "--block", blocks[0], "--block", blocks[1])
    assert done.exit_code == 0, done.output
    assert run(*arguments, "--block", blocks[0], "--heads", "2,mean", "--overwrite").exit_code == 0
    assert run(*arguments, "--rollout", "block", "--overwrite").exit_code == 0
    probe = sm.AxialProbe(image, sm.load(models["axial"]), zoom=2.0, device="cpu")
    for row, column in ((7, 30), (40, 2)):
        wanted = {f"{block.replace(' ', '_')}": probe.look((row, column), block) for block in blocks}
        wanted["block_1.1_heads_2,mean"] = probe.look((row, column), blocks[0], heads=(2, None))
        wanted["block_rollout"] = probe.rollout((row, column), "block")
        for name, pointed in wanted.items():
            found = read_map(tmp_path / "out" / f"cells_attention_{name}_at_{row},{column}.ome.tif")
            np.testing.assert_allclose(found.data, pointed.weights, atol=1e-7)
            assert found.data.sum() == pytest.approx(1, abs=1e-4)
            assert (found.scale, found.translate) == (pointed.scale, pointed.translate)
    assert len(written(tmp_path)) == 1 + 2 * 4
    table = rows(tmp_path / "maps.csv")
    assert [row["map"] for row in table[2:]] == ["block rollout at 7,30", "block rollout at 40,2"]
    pointed = probe.rollout((40, 2), "block")
    at = [int((p - t) / s + 0.5) for p, s, t in zip((40, 2), pointed.scale, pointed.translate, strict=True)]
    assert float(table[3]["value"]) == pytest.approx(pointed.weights[tuple(at)], rel=1e-5)
    layers = rows(tmp_path / "maps_gates.csv")
    assert [float(row["g_q"]) for row in layers] == [
        float(gate.detach()) for name, gate in sm.load(models["axial"]).network.named_parameters() if "g_q" in name
    ]


def test_guided_attention_is_asked_where_it_looks_and_what_channels_take(run, tmp_path, models, image):
    arguments = ("cells.tif", "--model", models["guided"], "--at", "7,30", "--block", "scale 1 step 2")
    done = run(*arguments, "--map", "scale 4 prediction", "--map", "scale 2 step 1 channels")
    assert done.exit_code == 0, done.output
    loaded = sm.load(models["guided"])
    wanted = PositionProbe(image, loaded, device="cpu").look((7, 30), "scale 1 step 2")
    found = read_map(tmp_path / "out" / "cells_attention_scale_1_step_2_at_7,30.ome.tif")
    np.testing.assert_allclose(found.data, wanted.weights, atol=1e-7)
    assert (found.kind, found.scale, found.translate) == ("position attention", wanted.scale, wanted.translate)
    assert (tmp_path / "out" / "cells_attention_scale_4_prediction.ome.tif").is_file()
    with (tmp_path / "out" / "cells_attention_scale_2_step_1_channels.csv").open() as file:
        matrix = np.array([row[1:] for row in csv.reader(file)][1:], np.float32)
    known = ChannelProbe(image, loaded, device="cpu").matrices((7, 30))["scale 2 step 1 channels"]
    np.testing.assert_allclose(matrix, known, atol=1e-7)
    assert len(written(tmp_path)) == 3
    again = run("cells.tif", "--model", models["guided"], "--map", "scale 2 step 1 channels")
    assert again.exit_code == 1
    assert "channels.csv" in again.output


def test_every_block_is_asked_unless_some_are_named(run, tmp_path, models, image):
    done = run("cells.tif", "--model", models["axial"], "--at", "7,30", "--map", "block 2.1 received")
    assert done.exit_code == 0, done.output
    assert len(written(tmp_path)) == 1 + 8


def test_a_comparison_is_the_difference_of_both_models_files(run, tmp_path, models, image):
    done = run("cells.tif", "--model", models["gates"], "--compare", models["others"], "--table", "maps.csv")
    assert done.exit_code == 0, done.output
    name = "cells_attention_gate_2_gates_-_others.ome.tif"
    assert set(written(tmp_path)) == {
        "cells_attention_gate_2.ome.tif",
        "cells_attention_gate_3.ome.tif",
        name,
    }
    one, other = (
        sm.segment(image, sm.load(models[which]), attention=["gate 2"], device="cpu").attention[0].data
        for which in ("gates", "others")
    )
    found = read_map(tmp_path / "out" / name)
    assert (found.name, found.kind) == ("gate 2: gates - others", "difference")
    np.testing.assert_allclose(found.data, one - other, atol=1e-6)
    assert np.abs(found.data).max() > 1e-3
    assert [row["map"] for row in rows(tmp_path / "maps.csv")] == ["gate 2", "gate 3", "gate 2: gates - others"]


def test_pixels_of_a_stack_lie_in_the_plane_that_is_named(run, tmp_path, models, image):
    stack = np.stack([image, image[::-1], image[:, ::-1]])
    tifffile.imwrite(tmp_path / "stack.tif", stack, imagej=True, metadata={"axes": "ZYX"})
    for which, extra in (("gates", ()), ("axial", ("--block", "block 1.1", "--map", "block 1.1 received"))):
        arguments = ("stack.tif", "--model", models[which], "--at", "7,30", "--table", f"{which}.csv", *extra)
        assert "give --plane 1 times, a number for Z" in run(*arguments).stderr
        done = run(*arguments, "--plane", 2)
        assert done.exit_code == 0, done.output
    wanted = sm.segment(stack, sm.load(models["gates"]), axes="ZYX", attention=True, device="cpu").attention
    for row, placed in zip(rows(tmp_path / "gates.csv"), wanted, strict=True):
        step = int(placed.scale[1])
        assert row["position_px"] == "2 7 30"
        assert float(row["value"]) == placed.data[2, 7 // step, 30 // step]
    found = read_map(tmp_path / "out" / "stack_attention_block_1.1_at_2,7,30.ome.tif")
    probe = sm.AxialProbe(stack, sm.load(models["axial"]), axes="ZYX", device="cpu")
    np.testing.assert_allclose(found.data[0], probe.look((7, 30), "block 1.1", plane=(2,)).weights, atol=1e-7)
    assert (found.scale[0], found.translate[0]) == (1, 2)


@pytest.mark.parametrize(
    ("which", "options", "words"),
    [
        ("plain", (), "'plain' is a unet, which has no attention"),
        ("gates", ("--map", "gate 7"), "no attention map 'gate 7'; it has gate 2, gate 3"),
        ("gates", ("--at", "7,30", "--block", "gate 2"), "--block asks where attention looks"),
        ("gates", ("--at", "7,30", "--rollout", "global"), "--rollout asks where attention looks"),
        ("gates", ("--at", "7,30", "--heads", "0,0"), "--heads asks where attention looks"),
        ("axial", ("--block", "block 1.1"), "--block asks where a pixel looks; name the pixel with --at"),
        ("axial", ("--heads", "0,0"), "--heads asks where a pixel looks; name the pixel with --at"),
        ("axial", ("--at", "7,30", "--block", "global 1.1"), "--block: the model 'axial' has no 'global 1.1'; choose"),
        (
            "axial",
            ("--at", "7,30", "--rollout", "local"),
            "--rollout: the model 'axial' has no 'local'; choose",
        ),
        ("axial", ("--at", "7,30", "--rollout", "block", "--block", "block 1.1"), "leave out --block, or --rollout"),
        ("axial", ("--at", "7,30", "--rollout", "block", "--heads", "1,1"), "leave out --heads, or --rollout"),
        ("axial", ("--at", "7,30", "--heads", "1"), "--heads takes a head"),
        ("axial", ("--at", "7,30", "--block", "block 1.1", "--heads", "1,8"), "heads 0 to 7"),
        ("gates", ("--at", "7;30"), "--at takes row and column of a pixel, such as 120,64, not '7;30'"),
        ("gates", ("--at", "7,60"), "X=60 lies outside of cells.tif, where it goes from 0 to 59"),
        ("gates", ("--at", "-1,6"), "Y=-1 lies outside"),
        ("gates", ("--plane", 0), "--plane says where the pixels of --at lie"),
        ("gates", ("--at", "7,30", "--plane", 0), "has one plane; leave out --plane"),
        ("others", ("--diameter", 20), "'others' does not depend on the size of objects"),
        ("gates", ("--table", "maps.txt"), "a name that ends in .csv"),
        ("gates", ("--compare", "axial"), "'axial' has no attention map that means the same as 'gate 2' or 'gate 3'"),
        ("gates", ("--compare", "plain"), "it has none"),
        ("gates", ("--compare", "others", "--map", "gate 3"), "'others' has no attention map that means the same"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(run, tmp_path, models, image, which, options, words):
    options = [models.get(option, option) for option in options]
    done = run("cells.tif", "--model", models[which], *options)
    assert done.exit_code == 1, done.output
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
    assert list(tmp_path.rglob("*.ome.tif")) == list(tmp_path.rglob("*.csv")) == []


@pytest.mark.parametrize(
    "taken", ["out/cells_attention_gate_3.ome.tif", "maps.csv", "out/cells_attention_gate_2_gates_-_others.ome.tif"]
)
def test_existing_files_stop_the_run_before_any_work(run, tmp_path, models, image, monkeypatch, taken):
    (tmp_path / "out").mkdir()
    (tmp_path / taken).write_bytes(b"a year of work")
    arguments = ("cells.tif", "--model", models["gates"], "--compare", models["others"], "--table", "maps.csv")
    with monkeypatch.context() as patch:
        patch.setattr("src_models.prediction.segment.segment", None)
        done = run(*arguments)
    assert done.exit_code == 1
    assert f"{taken} exists already" in done.stderr
    assert (tmp_path / taken).read_bytes() == b"a year of work"
    assert run(*arguments, "--overwrite").exit_code == 0
    assert (tmp_path / taken).read_bytes() != b"a year of work"


def test_maps_of_a_3d_network_over_a_scan_are_nifti_on_it(run, tmp_path):
    """An oblique scan, and a network that answers alike everywhere inside: each value is of the cell at its place."""
    torch.manual_seed(1)
    config = {"in_channels": 1, "classes": 2, "widths": [2, 4, 4], "dimensions": 3}
    header = ModelHeader(
        name="volume",
        purpose="Tests",
        architecture="attention-unet",
        config=config,
        classes=("background", "organ"),
        channels=("grey",),
        dimensions=3,
        tile=(32, 32, 32),
        overlap=(8, 8, 8),
        result="semantic",
    )
    path = save(Model(sm.create("attention-unet", **config).eval(), header), tmp_path / "volume.safetensors")
    affine = np.array([[0, 0.8, -1.8, 9], [0, 0.6, 2.4, -4], [-2.0, 0, 0, 5], [0, 0, 0, 1.0]])
    values = np.random.default_rng(0).integers(-200, 300, (9, 22, 15)).astype("int16")
    nib.save(nib.Nifti1Image(values, affine), tmp_path / "scan.nii.gz")
    done = run("scan.nii.gz", "--model", path, "--format", "nifti")
    assert done.exit_code == 0, done.output
    scan = read_image(tmp_path / "scan.nii.gz")
    (wanted,) = sm.segment(scan.data, sm.load(path), axes=scan.reading, attention=True, device="cpu").attention
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["scan_attention_gate_2.nii.gz"]
    found = sitk.ReadImage(str(tmp_path / "out" / "scan_attention_gate_2.nii.gz"))
    source = sitk.ReadImage(str(tmp_path / "scan.nii.gz"))
    assert sorted(found.GetSize()) == sorted(wanted.data.shape)
    for at in ((0, 0, 0), (4, 10, 7), (1, 8, 3)):
        voxel = source.TransformPhysicalPointToContinuousIndex(found.TransformIndexToPhysicalPoint(at))
        # As the data have their axes: i runs down to the feet, k to the back, j to the right.
        cell = (np.array([8 - voxel[0], 14 - voxel[2], 21 - voxel[1]]) - wanted.translate) / wanted.scale
        np.testing.assert_allclose(cell, cell.round(), atol=1e-4)
        assert found[at] == pytest.approx(float(wanted.data[tuple(cell.round().astype(int))]), abs=1e-6)
    assert "exists already" in run("scan.nii.gz", "--model", path).output
    assert run("scan.nii.gz", "--model", path, "--format", "tiff").exit_code == 0
    assert read_map(tmp_path / "out" / "scan_attention_gate_2.ome.tif").scale == wanted.scale


def test_maps_of_what_is_no_scan_are_no_nifti(run, models, tmp_path):
    tifffile.imwrite(tmp_path / "cells.tif", np.zeros((40, 50), np.uint8))
    done = run("cells.tif", "--model", models["gates"], "--format", "nifti")
    assert done.exit_code == 1
    assert "is no scan" in done.output
    assert not (tmp_path / "out").exists()
