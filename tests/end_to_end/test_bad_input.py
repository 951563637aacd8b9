"""Input that is wrong ends in one sentence and leaves nothing behind; input that is merely odd is segmented."""

import errno
import json
import os
import pickle
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
import zarr
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

from napari_medt.cli import app
from src_models.files.images import read_labels


@pytest.fixture
def segment(tmp_path, tiny_model_path):
    """Segment an image by the command line into ``tmp_path / "out"``."""

    def run(image, *options, model=tiny_model_path, output=tmp_path / "out"):
        arguments = ["segment", image, "--model", model, "--output", output, *options]
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def image_path(tmp_path):
    """An image with nothing wrong."""
    tifffile.imwrite(tmp_path / "good.tif", noise(70, 90))
    return tmp_path / "good.tif"


def noise(*shape, dtype="uint8"):
    return np.random.default_rng(0).integers(0, 200, shape).astype(dtype)


def assert_refused(done, names, *words):
    """One sentence on stderr that names the file, exit code 1, no traceback."""
    assert done.exit_code == 1, done.output
    assert isinstance(done.exception, SystemExit), "an error for people, not a traceback"
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("Error: ")
    assert str(names) in lines[0]
    for word in words:
        assert word in lines[0]


def assert_nothing_written(folder):
    assert not folder.exists() or list(folder.iterdir()) == []


# Images that are refused


def with_nan(path):
    data = noise(70, 90, dtype="float32")
    data[3, 4] = np.nan
    tifffile.imwrite(path, data)


def with_inf(path):
    data = noise(70, 90, dtype="float32")
    data[69, 89] = -np.inf
    tifffile.imwrite(path, data)


def truncated(path):
    tifffile.imwrite(path, noise(70, 90), compression="zlib")
    path.write_bytes(path.read_bytes()[:2000])


def zarr_of(*shape):
    return lambda path: zarr.create_array(path, shape=shape, dtype="uint8")


@pytest.mark.parametrize(
    ("name", "write", "word"),
    [
        pytest.param("a.zarr", zarr_of(0, 30), "empty", id="empty image"),
        pytest.param("a.tif", lambda path: path.write_bytes(b""), "empty", id="empty file"),
        pytest.param(
            "a.tif",
            lambda path: tifffile.imwrite(path, np.full((70, 90), np.nan, "float32")),
            "no value that is a finite number",
            id="NaN alone",
        ),
        pytest.param("a.tif", lambda p: tifffile.imwrite(p, noise(70, 90, dtype="complex64")), "complex", id="complex"),
        pytest.param(
            "a.tif",
            lambda path: tifffile.imwrite(path, noise(2, 70, 90), imagej=True, metadata={"axes": "CYX"}),
            "channel",
            id="wrong channel count",
        ),
        pytest.param("a.zarr", zarr_of(30), "one axis", id="1D"),
        pytest.param("a.zarr", zarr_of(2, 2, 2, 2, 30, 30), "6 axes", id="6D"),
        pytest.param("a.tif", lambda path: tifffile.imwrite(path, noise(2, 2, 2, 2, 30, 30)), "6 axes", id="6D TIFF"),
        pytest.param("a.tif", truncated, "truncated", id="truncated TIFF"),
        pytest.param("a.tif", lambda path: path.write_text("no image, but words\n"), "content", id="text named .tif"),
        pytest.param("a.tif", lambda path: None, "no such file", id="missing"),
        pytest.param("a.zarr", lambda path: path.mkdir(), "no zarr", id="folder that is no zarr"),
    ],
)
def test_an_image_that_cannot_be_segmented_is_refused(segment, tmp_path, name, write, word):
    write(tmp_path / name)
    assert_refused(segment(tmp_path / name), tmp_path / name, word)
    assert_nothing_written(tmp_path / "out")


@pytest.mark.parametrize("write", [with_nan, with_inf])
def test_values_that_are_no_numbers_are_filled_and_said(segment, tmp_path, write):
    write(tmp_path / "a.tif")
    done = segment(tmp_path / "a.tif")
    assert done.exit_code == 0, done.output
    assert "Values that are NaN or infinite were taken as 0, the lowest value of the image." in done.stdout
    assert (tmp_path / "out" / "a_labels.tif").exists()


def test_axes_that_do_not_fit_are_refused(segment, tmp_path, image_path):
    assert_refused(segment(image_path, "--axes", "ZYX"), image_path, "'ZYX'")
    assert_nothing_written(tmp_path / "out")


# Model files that are refused


def pickled(path, good):
    path.write_bytes(pickle.dumps({"weight": [1.0]}))


def cut(path, good):
    path.write_bytes(good.read_bytes()[:-100])


def cut_in_header(path, good):
    path.write_bytes(good.read_bytes()[:300])


def header_changed(old, new):
    def write(path, good):
        with safe_open(good, "numpy") as file:
            text = file.metadata()["napari_medt"]
        assert old in text
        save_file(load_file(good), path, {"napari_medt": text.replace(old, new)})

    return write


@pytest.mark.parametrize(
    ("write", "word"),
    [
        pytest.param(cut, "model file is damaged", id="truncated"),
        pytest.param(cut_in_header, "truncated", id="truncated in its header"),
        pytest.param(lambda path, good: save_file(load_file(good), path), "no napari-medt header", id="without header"),
        pytest.param(header_changed('"widths": [4', '"widths": [6'), "do not match", id="header of another network"),
        pytest.param(header_changed('"attention-unet"', '"resnet"'), "'resnet'", id="unknown architecture"),
        pytest.param(header_changed('"purpose"', '"porpoise"'), "fields", id="header with unknown fields"),
        pytest.param(header_changed('"schema_version": 1', '"schema_version": 99'), "update", id="newer schema"),
        pytest.param(pickled, "pickle", id="pickle renamed .safetensors"),
        pytest.param(lambda path, good: None, "no such model file", id="missing"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused(segment, tmp_path, image_path, tiny_model_path, write, word):
    model = tmp_path / "odd.safetensors"
    write(model, tiny_model_path)
    assert_refused(segment(image_path, model=model), model, word)
    assert_nothing_written(tmp_path / "out")


def test_a_pickle_is_never_unpickled(segment, tmp_path, image_path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    model = tmp_path / "trap.safetensors"
    model.write_bytes(pickle.dumps(Trap()))
    assert_refused(segment(image_path, model=model), model)
    assert not (tmp_path / "sprung").exists()


# Places that cannot be written to


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs /proc, where not even root can write (Linux)")
def test_a_read_only_folder_is_refused_before_the_work(segment, image_path):
    assert_refused(segment(image_path, output="/proc/out"), "/proc/out", "cannot be written")


def test_a_file_where_the_folder_should_be_is_refused(segment, image_path):
    assert_refused(segment(image_path, output=image_path / "out"), image_path, "choose another folder")
    assert_refused(segment(image_path, output=image_path), image_path, "choose another folder")


def test_a_read_only_file_system_is_refused(segment, tmp_path, image_path, monkeypatch):
    """The tests may run as root, whom permissions do not stop, so the system's answer is given in its place."""
    real, out = os.open, tmp_path / "out"

    def open_read_only(path, flags, *args, **kwargs):
        if str(path).startswith(str(out)) and flags & (os.O_WRONLY | os.O_RDWR):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return real(path, flags, *args, **kwargs)

    def open_file(self, mode="r", *args, **kwargs):
        if "w" in mode:
            open_read_only(self, os.O_WRONLY)
        return open(self, mode, *args, **kwargs)  # noqa: PTH123

    monkeypatch.setattr(os, "open", open_read_only)
    monkeypatch.setattr(Path, "open", open_file)
    assert_refused(segment(image_path), out, "read-only")
    assert_nothing_written(out)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a device that is always full (Linux)")
@pytest.mark.parametrize("fills_at", [0, 1])
def test_a_disk_that_fills_up_leaves_nothing_half_written(segment, tmp_path, image_path, monkeypatch, fills_at):
    """The disk is full when the labels (0) or, after them, the first attention map (1) are written."""
    real, out = tifffile.FileHandle.write, tmp_path / "out"
    files = []

    def write(self, *args, **kwargs):
        if self.path not in files:
            files.append(self.path)
        if files.index(self.path) < fills_at:
            return real(self, *args, **kwargs)
        real(self, b"half")
        return Path("/dev/full").write_bytes(b"the other half")

    monkeypatch.setattr(tifffile.FileHandle, "write", write)
    done = segment(image_path, "--attention")
    names = ["good_labels.tif", "good_attention_gate_2.ome.tif"]
    assert_refused(done, out / names[fills_at], "disk is full")
    assert [path.name for path in out.iterdir()] == names[:fills_at]


def test_a_disk_too_full_for_working_files_is_named(segment, tmp_path, image_path, monkeypatch):
    from src_models.disk.scratch import Scratch

    class Full:
        def __setitem__(self, place, value):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Scratch, "zeros", lambda self, shape, dtype: Full())
    monkeypatch.setattr(
        "src_models.prediction.blocks.segmentation_run.KEPT_PROBABILITIES_BYTES", 0
    )  # as of an image too large to keep them
    assert_refused(segment(image_path, "--diameter", 20), image_path, "disk is full", "TMPDIR")
    assert_nothing_written(tmp_path / "out")


# Data sets that are refused


@pytest.fixture
def data_set(tmp_path):
    """Write a data set of given images and masks."""

    def write(images, masks):
        for folder, files in (("images", images), ("masks", masks)):
            (tmp_path / "cells" / folder).mkdir(parents=True)
            for name, data in files.items():
                tifffile.imwrite(tmp_path / "cells" / folder / name, data)
        return tmp_path / "cells"

    return write


def evaluate(folder, model, *options):
    arguments = ["evaluate", folder, "--model", model, *options]
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, [str(argument) for argument in arguments])


def test_images_without_masks_are_refused_by_name(data_set, tiny_model_path, tmp_path):
    mask = np.ones((40, 50), "uint8")
    folder = data_set({"a.tif": noise(40, 50), "lonely.tif": noise(40, 50)}, {"a.tif": mask})
    done = evaluate(folder, tiny_model_path, "--json", tmp_path / "scores.json")
    assert_refused(done, folder, "lonely.tif")
    assert not (tmp_path / "scores.json").exists()


def test_an_image_and_a_mask_of_unequal_shapes_are_refused_by_name(data_set, tiny_model_path, tmp_path):
    folder = data_set({"a.tif": noise(40, 50)}, {"a.tif": np.ones((40, 49), "uint8")})
    done = evaluate(folder, tiny_model_path, "--json", tmp_path / "scores.json")
    assert_refused(done, folder / "masks" / "a.tif", str(folder / "images" / "a.tif"))
    assert not (tmp_path / "scores.json").exists()


def train(folder, output):
    arguments = [
        "train",
        folder,
        "--output",
        output,
        "--steps",
        "1",
        "--patch",
        "32",
        "--widths",
        "4,8",
        "--batch",
        "1",
    ]
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_no_model_is_trained_on_images_without_masks(data_set, tmp_path):
    folder = data_set({"a.tif": noise(40, 50), "lonely.tif": noise(40, 50)}, {"a.tif": np.ones((40, 50), "uint8")})
    assert_refused(train(folder, tmp_path / "out" / "new.safetensors"), folder, "lonely.tif")
    assert_nothing_written(tmp_path / "out")


def test_no_model_is_trained_on_masks_of_another_shape(data_set, tmp_path):
    names = [f"{number}.tif" for number in range(4)]
    folder = data_set(dict.fromkeys(names, noise(40, 50)), dict.fromkeys(names, np.ones((40, 49), "uint8")))
    assert_refused(train(folder, tmp_path / "out" / "new.safetensors"), folder / "masks", str(folder / "images"))
    assert_nothing_written(tmp_path / "out")


@pytest.mark.parametrize("folder", ["nowhere", "."])
def test_a_folder_that_is_no_data_set_is_refused(tmp_path, tiny_model_path, folder):
    assert_refused(evaluate(tmp_path / folder, tiny_model_path), tmp_path)


# Images that are odd, and segmented


def big_endian(path):
    tifffile.imwrite(path, noise(70, 90, dtype=">u2"), byteorder=">")


@pytest.mark.parametrize(
    ("write", "shape"),
    [
        pytest.param(lambda path: tifffile.imwrite(path, noise(1, 1)), (1, 1), id="one pixel"),
        pytest.param(lambda path: tifffile.imwrite(path, np.full((70, 90), 7, "uint8")), (70, 90), id="constant"),
        pytest.param(lambda path: tifffile.imwrite(path, np.zeros((70, 90), "float32")), (70, 90), id="all zero"),
        pytest.param(lambda path: tifffile.imwrite(path, noise(70, 90) > 100), (70, 90), id="boolean"),
        pytest.param(big_endian, (70, 90), id="big-endian"),
        pytest.param(lambda path: tifffile.imwrite(path, noise(70, 90, dtype="uint16") * 20), (70, 90), id="12-bit"),
        pytest.param(lambda path: tifffile.imwrite(path, noise(70, 90, dtype="int32")), (70, 90), id="32-bit"),
        pytest.param(lambda path: tifffile.imwrite(path, noise(5, 9)), (5, 9), id="smaller than a tile"),
        pytest.param(lambda path: tifffile.imwrite(path, noise(3, 200)), (3, 200), id="a strip"),
        pytest.param(lambda path: iio.imwrite(path, noise(70, 90), extension=".png"), (70, 90), id="PNG named .tif"),
    ],
)
@pytest.mark.parametrize("result", ["--instances", "--classes"])
def test_an_odd_image_is_segmented(segment, tmp_path, write, shape, result):
    write(tmp_path / "odd.tif")
    done = segment(tmp_path / "odd.tif", "--attention", result)
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    assert read_labels(tmp_path / "out" / "odd_labels.tif").shape == shape
    assert np.isfinite(tifffile.imread(tmp_path / "out" / "odd_attention_gate_2.ome.tif")).all()


def test_the_same_values_in_any_type_and_byte_order_give_the_same_labels(segment, tmp_path, discs):
    labels = []
    for number, dtype in enumerate(["uint8", "<u2", ">u2", ">i4", "float32", ">f8"]):
        tifffile.imwrite(tmp_path / f"{number}.tif", discs.astype(dtype), byteorder=">" if ">" in dtype else "<")
        assert segment(tmp_path / f"{number}.tif", "--diameter", 20).exit_code == 0
        labels.append(read_labels(tmp_path / "out" / f"{number}_labels.tif"))
    assert labels[0].max() == 2
    for other in labels[1:]:
        np.testing.assert_array_equal(other, labels[0])


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_masks_of_wide_integers_with_gaps_count_their_objects(data_set, tiny_model_path, tmp_path, discs, dtype):
    mask = (discs > 100).astype(dtype)
    mask[:, :40] *= 3
    mask[:, 40:] *= 70_000
    folder = data_set({"a.tif": discs}, {"a.tif": mask})
    done = evaluate(folder, tiny_model_path, "--diameter", 20, "--json", tmp_path / "scores.json")
    assert done.exit_code == 0, done.output
    (image,) = json.loads((tmp_path / "scores.json").read_text())["images"]
    assert (image["true_objects"], image["predicted_objects"], image["ap50"]) == (2, 2, 1)
