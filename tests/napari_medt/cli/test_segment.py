"""The command line: what it prints, what it writes, and what it refuses to touch."""

import dataclasses
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tifffile
import zarr
from typer.testing import CliRunner

from napari_medt.cli import app
from src_models import __version__, create
from src_models.attention.map_files import read_map
from src_models.files.images import read_image, read_labels
from src_models.models import library
from src_models.models.checkpoint import Model, load, save
from src_models.models.header import ModelHeader
from src_models.prediction import to_file as segment_results

COMMANDS = ("models", "segment", "attention", "audit", "click", "clicks", "train", "evaluate", "convert", "demo")


@pytest.fixture
def run():
    """Run the command line in this process; give the result with stdout and stderr apart."""
    runner = CliRunner(env={"COLUMNS": "200"})
    return lambda *arguments: runner.invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def local_folder(tmp_path, monkeypatch, tiny_model_path):
    """A folder of local models with the model `tiny` in it, and no other model anywhere."""
    folder = tmp_path / "models"
    folder.mkdir()
    shutil.copy(tiny_model_path, folder / "tiny.safetensors")
    monkeypatch.setattr(library, "local_folder", lambda: folder)
    monkeypatch.setattr(library, "_SHIPPED", tmp_path / "none")
    return folder


# The whole


def test_the_version_is_printed(run):
    assert run("--version").stdout.strip() == f"napari-medt {__version__}"


def test_every_command_has_help(run):
    listed = run("--help").stdout
    for command in COMMANDS:
        assert command in listed
        assert run(command, "--help").exit_code == 0


def test_help_is_there_without_loading_what_computes():
    code = (
        "import sys; from napari_medt.cli import app\n"
        "try: app(['segment', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'monai', 'skimage', 'dask', 'napari', 'qtpy', 'lightning_fabric', 'numpy'}\n"
        "heavy &= set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_installed_command_ends_with_one_line_and_exit_code_1(tmp_path):
    command = [sys.executable, "-m", "napari_medt", "segment", "a.tif", "--model", "no-such-model", "--output", "out"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: There is no model 'no-such-model'; ")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


# models


def test_models_are_listed_with_what_they_are_for(run, local_folder):
    done = run("models")
    assert done.exit_code == 0
    (row,) = [line for line in done.stdout.splitlines() if "tiny" in line]
    size = (local_folder / "tiny.safetensors").stat().st_size
    for word in (
        "Tests",
        "background, interior, boundary",
        f"{size / 1e3:.1f} kB",
        "CC0-1.0",
        "attention-unet",
        "local",
    ):
        assert word in row
    assert str(local_folder) in done.stdout


def test_details_tell_all_that_the_header_holds(run, local_folder):
    done = run("models", "--details")
    for word in (
        str(local_folder / "tiny.safetensors"),
        "widths [4, 8, 8]",
        "64 x 64 px, overlap 8 x 8 px",
        "instances",
    ):
        assert word in done.stdout


def test_details_tell_what_a_model_learnt_from_as_it_must_be_cited(run, local_folder):
    tiny = load(local_folder / "tiny.safetensors")
    source = {"name": "dishes", "title": "Cells", "authors": "Doe", "year": 2020, "doi": "10.1/2", "licence": "MIT"}
    learnt = dataclasses.replace(tiny.header, training={"steps": 3, "data_sets": [source]})
    save(Model(tiny.network, learnt), local_folder / "learnt.safetensors")
    printed = [" ".join(line.split()) for line in run("models", "--details").stdout.splitlines()]
    assert "learnt from dishes: Doe (2020): Cells. https://doi.org/10.1/2. Licence MIT." in printed
    assert "training steps 3" in printed
    models = {model["name"]: model for model in json.loads(run("models", "--json").stdout)}
    assert models["learnt"]["data_sets"] == [source]


def test_details_tell_that_a_model_takes_images_at_their_own_scale_or_at_another(run, local_folder):
    assert "own scale" not in run("models", "--details").stdout
    tiny = load(local_folder / "tiny.safetensors")
    learnt = dataclasses.replace(tiny.header, estimates_diameter=False)
    save(Model(tiny.network, learnt), local_folder / "learnt.safetensors")
    assert run("models", "--details").stdout.count("images are taken at their own scale") == 1
    save(Model(tiny.network, dataclasses.replace(learnt, image_zoom=0.48)), local_folder / "resized.safetensors")
    assert run("models", "--details").stdout.count("images are resized 0.48 times, as it learnt") == 1


def test_details_tell_the_gates_of_every_layer_that_has_them(run, local_folder):
    """Of MedT the three blocks of its global branch, of other networks none."""
    config = {"image_size": 64, "in_channels": 1, "classes": 2}
    header = ModelHeader(
        name="gated",
        purpose="Tests",
        architecture="medt",
        config=config,
        classes=("background", "cell"),
        channels=("grey",),
        tile=(64, 64),
        overlap=(16, 16),
    )
    network = create("medt", **config)
    for name, gate in network.named_parameters():
        if name.split(".")[-1] in ("g_q", "g_k", "g_v1", "g_v2"):
            gate.data.uniform_(-2, 2)
    save(Model(network, header), local_folder / "gated.safetensors")

    weights, wanted = network.state_dict(), []
    for block, called in {"0.0": "1.1", "1.0": "2.1", "1.1": "2.2"}.items():
        for axis in ("height", "width"):
            layer = f"global_branch.layers.{block}.{axis}"
            gates = {f"G_{gate.upper()}": float(weights[f"{layer}.g_{gate}"]) for gate in ("q", "k", "v1", "v2")}
            wanted.append(
                f"gates global {called} {axis}: " + ", ".join(f"{name} {value:.3f}" for name, value in gates.items())
            )
    printed = [" ".join(line.split()) for line in run("models", "--details").stdout.splitlines()]
    assert [line for line in printed if line.startswith("gates")] == wanted


def test_unusable_model_files_are_told_of_besides_the_list(run, local_folder):
    (local_folder / "broken.safetensors").write_bytes(b"\x80\x02}q\x00.")
    done = run("models")
    assert done.exit_code == 0
    assert "tiny" in done.stdout
    assert f"Not usable: {local_folder / 'broken.safetensors'}" in done.stderr


def test_no_models_at_all_is_said(run, local_folder):
    (local_folder / "tiny.safetensors").unlink()
    assert "no models yet" in run("models").stdout


# segment


def test_an_image_becomes_labels_and_maps_that_lie_over_it(run, tmp_path, local_folder, discs):
    stack, out = tmp_path / "cells.ome.tif", tmp_path / "out"
    metadata = {"axes": "ZYX", "PhysicalSizeX": 0.25, "PhysicalSizeY": 0.5, "PhysicalSizeZ": 2.0}
    tifffile.imwrite(stack, np.stack([discs, discs[::-1]]), ome=True, metadata=metadata)
    done = run("segment", stack, "--model", "tiny", "--output", out, "--attention", "--diameter", 20)
    assert done.exit_code == 0, done.output
    assert f"{stack}: Z=2, Y=70, X=90, 1 channel, 2 x 0.5 x 0.25 µm" in done.stdout
    assert f"4 objects in 2 planes (4 outlines, linked through z) -> {out / 'cells_labels.tif'}" in done.stdout
    assert sorted(path.name for path in out.iterdir()) == [
        "cells_attention_gate_2.ome.tif",
        "cells_labels.json",
        "cells_labels.tif",
    ]
    labels = read_image(out / "cells_labels.tif")
    assert (labels.reading.axes, labels.data.shape) == ("ZYX", (2, 70, 90))
    assert labels.reading.spacing == {"Z": 2.0, "Y": 0.5, "X": 0.25}
    gate = read_map(out / "cells_attention_gate_2.ome.tif")
    assert gate.data.dtype == np.float32
    assert 0 <= gate.data.min() < gate.data.max() <= 1
    cell = read_image(out / "cells_attention_gate_2.ome.tif").reading.spacing
    assert [cell[letter] for letter in "YX"] == pytest.approx([gate.scale[1] / 2, gate.scale[2] / 4])
    covered = [scale * size for scale, size in zip(gate.scale, gate.data.shape, strict=True)]
    assert all(size <= cover for size, cover in zip((2, 70, 90), covered, strict=True))


def test_what_the_command_writes_is_what_python_gives(run, tmp_path, tiny_model_path, discs):
    import src_models as sm

    tifffile.imwrite(tmp_path / "cells.tif", discs)
    run(
        "segment",
        tmp_path / "cells.tif",
        "--model",
        tiny_model_path,
        "--output",
        tmp_path,
        "--classes",
        "--diameter",
        20,
    )
    expected = sm.segment(discs, sm.load(tiny_model_path), result="semantic", diameter=20)
    written = read_labels(tmp_path / "cells_labels.tif")
    assert len(np.unique(written)) == 2, "both background and objects"
    np.testing.assert_array_equal(written, expected.labels)


def test_existing_files_are_left_and_the_other_images_segmented(run, tmp_path, local_folder, discs):
    out = tmp_path / "out"
    out.mkdir()
    for name in ("a.tif", "b.tif"):
        tifffile.imwrite(tmp_path / name, discs)
    (out / "b_labels.tif").write_bytes(b"painted by hand")
    arguments = ("segment", tmp_path / "a.tif", tmp_path / "b.tif", "--model", "tiny", "--output", out)
    done = run(*arguments)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"Error: {out / 'b_labels.tif'} exists already")
    assert sorted(path.name for path in out.iterdir()) == ["a_labels.json", "a_labels.tif", "b_labels.tif"]
    assert (out / "b_labels.tif").read_bytes() == b"painted by hand"
    assert run(*arguments, "--overwrite").exit_code == 0
    assert read_labels(out / "b_labels.tif").shape == discs.shape


def test_images_of_one_name_are_not_written_over_each_other(run, tmp_path, local_folder):
    arguments = ("a/cells.tif", "b/cells.png", "--model", "tiny", "--output", tmp_path / "out")
    done = run("segment", *arguments)
    assert done.exit_code == 1
    assert "2 of the images are called 'cells'" in done.stderr


def test_one_bad_image_does_not_stop_the_others(run, tmp_path, local_folder, discs):
    for name in ("a.tif", "c.tif"):
        tifffile.imwrite(tmp_path / name, discs)
    (tmp_path / "b.tif").write_text("no image")
    done = run("segment", *(tmp_path / f"{n}.tif" for n in "abc"), "--model", "tiny", "--output", tmp_path / "out")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"Error: {tmp_path / 'b.tif'}: ")
    assert done.stderr.count("\n") == 1
    assert "2 of 3 images segmented" in done.stdout
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.suffix == ".tif") == [
        "a_labels.tif",
        "c_labels.tif",
    ]


def test_axes_by_hand_win(run, tmp_path, local_folder, discs):
    tifffile.imwrite(tmp_path / "a.tif", np.stack([discs, discs]), imagej=True, metadata={"axes": "CYX"})
    arguments = ("segment", tmp_path / "a.tif", "--model", "tiny", "--output", tmp_path / "out")
    assert run(*arguments).exit_code == 1
    done = run(*arguments, "--axes", "TYX")
    assert done.exit_code == 0, done.output
    assert "T=2, Y=70, X=90, 1 channel" in done.stdout
    assert read_labels(tmp_path / "out" / "a_labels.tif").shape == (2, 70, 90)


def test_the_labels_of_a_large_zarr_go_to_zarr(run, tmp_path, tiny_model_path, discs, monkeypatch):
    image = zarr.create_array(tmp_path / "cells.zarr", shape=(2, *discs.shape), dtype="uint16", chunks=(1, 32, 32))
    image[...] = np.stack([discs, discs])
    arguments = ("segment", tmp_path / "cells.zarr", "--model", tiny_model_path, "--output", tmp_path, "--diameter", 20)
    arguments += ("--axes", "ZYX", "--classes")
    assert run(*arguments).exit_code == 0
    monkeypatch.setattr(segment_results, "LARGE", 2 * discs.size - 1)
    done = run(*arguments, "--overwrite")
    assert done.exit_code == 0, done.output
    labels = read_image(tmp_path / "cells_labels.zarr")
    assert labels.reading.axes == "ZYX"
    np.testing.assert_array_equal(np.asarray(labels.data), read_labels(tmp_path / "cells_labels.tif"))


def ome_zarr(path, data):
    group = zarr.open_group(path, mode="w")
    group.create_array("0", data=data[None, None], chunks=(1, 1, 32, 32))
    axes = [{"name": "c", "type": "channel"}, {"name": "z", "type": "space"}]
    axes += [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
    placed = [{"type": "scale", "scale": [1, 1, 0.5, 0.25]}, {"type": "translation", "translation": [0, 0, 7, -9]}]
    datasets = [{"path": "0", "coordinateTransformations": placed}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": datasets}]}
    return path


def test_labels_of_an_ome_zarr_go_into_it_and_others_to_files(run, tmp_path, tiny_model_path, discs, monkeypatch):
    image, out = ome_zarr(tmp_path / "cells.zarr", discs), tmp_path / "out"
    tifffile.imwrite(tmp_path / "plain.tif", discs)
    arguments = ("segment", image, tmp_path / "plain.tif", "--model", tiny_model_path, "--output", out)
    arguments += ("--diameter", 20, "--into-zarr", "tiny")
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    written = image / "labels" / "tiny"
    assert f"-> {written}" in done.stdout
    np.testing.assert_array_equal(read_labels(written), read_labels(out / "plain_labels.tif"))
    reading = read_image(written).reading
    assert (reading.spacing, reading.origin) == ({"Y": 0.5, "X": 0.25}, {"Y": 7.0, "X": -9.0})
    record = json.loads((out / "cells_labels.json").read_text())
    assert (record["labels"], record["found"]["objects"]) == (str(written), 2)
    again = run(*arguments)
    assert (again.exit_code, "labels/tiny exists already" in again.stderr) == (1, True)
    assert "2 had results and were passed over" in run(*arguments, "--skip-existing").stdout
    monkeypatch.setattr(segment_results, "LARGE", 1)  # now labels wait on disk until they are complete
    assert run(*arguments, "--overwrite").exit_code == 0
    np.testing.assert_array_equal(read_labels(written), read_labels(out / "plain_labels.tif"))
    assert {path.name for path in out.iterdir()} == {"cells_labels.json", "plain_labels.json", "plain_labels.tif"}


def test_a_zarr_is_no_folder_for_results_nor_any_zarr_a_place_for_labels(run, tmp_path, tiny_model_path, discs):
    image = ome_zarr(tmp_path / "cells.zarr", discs)
    zarr.create_array(tmp_path / "plain.zarr", data=discs)
    done = run("segment", image, "--model", tiny_model_path, "--output", image)
    assert done.exit_code == 1
    assert "it is a zarr and no folder for results" in done.stderr
    done = run("segment", tmp_path / "plain.zarr", "--model", tiny_model_path, "--output", tmp_path, "--into-zarr", "a")
    assert done.exit_code == 1
    assert "it is no OME-Zarr image, so labels have no place in it" in done.stderr


def test_the_place_of_an_ome_zarr_reaches_its_labels_in_files(run, tmp_path, tiny_model_path, discs):
    image = ome_zarr(tmp_path / "cells.zarr", discs)
    assert run("segment", image, "--model", tiny_model_path, "--output", tmp_path, "--diameter", 20).exit_code == 0
    labels = read_image(tmp_path / "cells_labels.tif").reading
    assert (labels.spacing, labels.unit, labels.origin) == ({"Y": 0.5, "X": 0.25}, "µm", {"Y": 7.0, "X": -9.0})


def test_a_run_that_is_stopped_leaves_nothing_half_written(run, tmp_path, tiny_model_path, monkeypatch):
    from src_models.prediction import segment as predict

    image = zarr.create_array(tmp_path / "cells.zarr", shape=(300, 300), dtype="uint8", chunks=(64, 64))
    image[...] = np.random.default_rng(0).integers(0, 255, image.shape)
    arguments = ("segment", tmp_path / "cells.zarr", "--model", tiny_model_path, "--output", tmp_path / "out")
    real = predict.segment_steps

    def stopped(*args, **kwargs):
        for progress in real(*args, **kwargs):
            yield progress
            assert [path.suffix for path in (tmp_path / "out").iterdir()] == [".zarr"], "being written"
            if progress.done == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr(predict, "segment_steps", stopped)
    monkeypatch.setattr(segment_results, "LARGE", 1)
    assert run(*arguments, "--diameter", 20).exit_code != 0
    assert list((tmp_path / "out").iterdir()) == []


def test_what_was_found_is_said(run, tmp_path, tiny_model_path, discs):
    tifffile.imwrite(tmp_path / "cells.tif", discs)
    arguments = ("segment", tmp_path / "cells.tif", "--model", tiny_model_path, "--output", tmp_path, "--diameter", 20)
    assert "  2 objects -> " in run(*arguments).stdout
    share = (read_labels(tmp_path / "cells_labels.tif") > 0).mean()
    assert share == pytest.approx((discs > 100).mean(), abs=0.02)
    assert f"  objects {share:.1%} of the image -> " in run(*arguments, "--classes", "--overwrite").stdout


def test_objects_of_a_stack_are_counted_once_or_called_outlines(run, tmp_path, tiny_model_path, discs):
    import src_models as sm

    stack = np.stack([discs] * 3)
    tifffile.imwrite(tmp_path / "cells.tif", stack, metadata={"axes": "ZYX"})
    arguments = ("segment", tmp_path / "cells.tif", "--model", tiny_model_path, "--output", tmp_path, "--overwrite")
    for link, said in {
        (): "2 objects in 3 planes (6 outlines, linked through z)",
        ("--link", "zt"): "2 objects in 3 planes (6 outlines, linked through z)",
        ("--link", "t"): "6 outlines in 3 planes, not linked",
        ("--link", "no"): "6 outlines in 3 planes, not linked",
    }.items():
        assert f"  {said} -> " in run(*arguments, *link).stdout
        python = sm.segment(
            stack, sm.load(tiny_model_path), axes="ZYX", link=link[1].replace("no", "") if link else "z"
        )
        assert python.summary == said
        np.testing.assert_array_equal(read_labels(tmp_path / "cells_labels.tif"), python.labels)
    done = run(*arguments, "--link", "x")
    assert done.exit_code == 1
    assert "not through 'x'" in done.stderr


def test_the_size_that_was_used_and_what_to_try_are_said(run, tmp_path, tiny_model_path, discs):
    tiny = load(tiny_model_path)
    sized = dataclasses.replace(tiny.header, object_diameter=20.0, diameter_range=(10.0, 40.0))
    path = save(Model(tiny.network, sized), tmp_path / "sized.safetensors")
    tifffile.imwrite(tmp_path / "cells.tif", discs)
    arguments = ("segment", tmp_path / "cells.tif", "--model", path, "--output", tmp_path, "--overwrite")
    assert "  objects of about 25 px, image resized 0.8 times\n" in run(*arguments, "--diameter", 25).stdout
    assert (
        "  For objects of 1 px the image would be resized 20 times; 8 times" in run(*arguments, "--diameter", 1).stdout
    )
    tifffile.imwrite(tmp_path / "cells.tif", np.full_like(discs, 20))
    assert "  Nothing was found. Try a higher sensitivity, giving the object size" in run(*arguments).stdout
