"""Several images in a file on the command line: all are segmented, or the one that was asked for; and any axes."""

import json

import numpy as np
import pytest
import tifffile
import zarr
from typer.testing import CliRunner

from napari_medt.cli import app
from src_models.files.images import read_image, read_labels
from src_models.prediction import to_file


@pytest.fixture
def shell(tiny_model_path, tmp_path, monkeypatch):
    """Run a command with the model, in the folder of the images."""
    monkeypatch.chdir(tmp_path)

    def run(command, *arguments, diameter=("--diameter", 20)):
        words = [command, *arguments, "--model", tiny_model_path, *diameter]
        return CliRunner(env={"COLUMNS": "300"}).invoke(app, [str(word) for word in words])

    return run


@pytest.fixture
def positions(tmp_path, discs):
    """An OME-TIFF of two positions; the second one is the first upside down, and less wide."""
    views = {"left": discs, "right": discs[::-1, :-8]}
    with tifffile.TiffWriter(tmp_path / "cells.ome.tif", ome=True) as tiff:
        for name, data in views.items():
            tiff.write(data, metadata={"axes": "YX", "Name": name})
    return views


def written(folder):
    return sorted(path.name for path in folder.iterdir())


def bright_below(labels, image):
    """Whether labels lie on what is bright of an image, and only there."""
    return image[labels > 0].mean() > 2 * image[labels == 0].mean()


def test_all_images_of_a_file_are_segmented_under_names_of_their_own(shell, tmp_path, positions):
    done = shell("segment", "cells.ome.tif", "-o", "out")
    assert done.exit_code == 0, done.output
    assert "cells.ome.tif, image 1 'right' of 2: Y=" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("2 of 2 images segmented into out in ")
    names = [f"cells_{name}_labels.{kind}" for name in positions for kind in ("json", "tif")]
    assert written(tmp_path / "out") == sorted(names)
    for number, (name, data) in enumerate(positions.items()):
        labels = read_labels(tmp_path / "out" / f"cells_{name}_labels.tif")
        assert labels.max() == 2
        assert bright_below(labels, data)
        record = json.loads((tmp_path / "out" / f"cells_{name}_labels.json").read_text())
        assert record["series"] == {"number": number, "name": name}


@pytest.mark.parametrize("wanted", ["right", "1"])
def test_one_image_is_segmented_where_one_is_asked_for(shell, tmp_path, positions, wanted):
    assert shell("segment", "cells.ome.tif", "--series", wanted, "-o", "out").exit_code == 0
    assert written(tmp_path / "out") == ["cells_right_labels.json", "cells_right_labels.tif"]


def test_a_series_that_a_file_does_not_have_fails_that_file_alone(shell, tmp_path, positions, discs):
    tifffile.imwrite(tmp_path / "one.tif", discs)
    done = shell("segment", "one.tif", "cells.ome.tif", "--series", "right", "-o", "out")
    assert done.exit_code == 1
    assert "Error: one.tif: it holds no image 'right'" in done.stderr
    assert "1 of 2 images segmented" in done.stdout
    assert "; 1 failed (one.tif)" in done.stdout


def test_what_is_done_is_passed_over_image_by_image(shell, tmp_path, positions):
    shell("segment", "cells.ome.tif", "--series", "0", "-o", "out")
    done = shell("segment", "cells.ome.tif", "-o", "out", "--skip-existing")
    assert done.exit_code == 0
    assert "1 of 2 images segmented into out" in done.stdout
    assert "1 had results and was passed over" in done.stdout


def test_results_of_images_in_a_file_are_no_images(shell, tmp_path, positions):
    shell("segment", "cells.ome.tif", "-o", ".")
    done = shell("segment", ".", "-o", ".", "--skip-existing")
    assert "labels or attention of other images: cells_left_labels.tif, cells_right_labels.tif" in done.stdout
    assert "0 of 2 images segmented" in done.stdout


def test_attention_asks_which_image_and_names_its_maps_after_it(shell, tmp_path, positions):
    done = shell("attention", "cells.ome.tif", "-o", "out", diameter=())
    assert done.exit_code == 1
    assert "cells.ome.tif: it holds 2 images: 0 'left' (Y=" in done.stderr
    assert "--series" in done.stderr
    assert shell("attention", "cells.ome.tif", "--series", "right", "-o", "out", diameter=()).exit_code == 0
    assert written(tmp_path / "out")
    assert all(name.startswith("cells_right_attention_") for name in written(tmp_path / "out"))


def test_corrections_of_two_images_of_a_file_do_not_replace_each_other(shell, tmp_path, positions):
    for name, data in positions.items():
        tifffile.imwrite(tmp_path / f"{name}.tif", (data > 100).astype("uint8"))
        done = shell("correct", "cells.ome.tif", f"{name}.tif", "--set", "set", "--series", name, diameter=())
        assert done.exit_code == 0, done.output
    assert "set holds 2 corrections" in done.stdout
    again = shell("correct", "cells.ome.tif", "left.tif", "--set", "set", "--series", "0", diameter=())
    assert "set holds 2 corrections" in again.stdout


def test_next_leaves_out_what_is_corrected_in_this_image_alone(shell, tmp_path, positions):
    tifffile.imwrite(tmp_path / "left.tif", (positions["left"] > 100).astype("uint8"))
    shell("correct", "cells.ome.tif", "left.tif", "--set", "set", "--series", "left", diameter=())
    said = [shell("next", "cells.ome.tif", "--set", "set", "--series", name, diameter=()).stdout for name in positions]
    assert "All of it is corrected." in said[0]
    assert "All of it is corrected." not in said[1]


def test_a_film_is_segmented_frame_by_frame(shell, tmp_path, discs):
    from PIL import Image

    frames = [discs, np.roll(discs, 5, 0), discs[::-1]]
    first, *others = map(Image.fromarray, frames)
    first.save(tmp_path / "film.png", save_all=True, append_images=others)
    assert shell("segment", "film.png", "-o", "out").exit_code == 0
    labels = read_labels(tmp_path / "out" / "film_labels.tif")
    assert labels.shape == (3, *discs.shape)
    assert all(bright_below(one, frame) for one, frame in zip(labels, frames, strict=True))


def test_images_of_any_order_of_axes_become_labels_and_so_does_the_image_after_them(shell, tmp_path, discs):
    stack = np.stack([np.stack([np.roll(discs, 4 * (2 * z + t), 1) for t in range(3)]) for z in range(2)])
    sizes = {"PhysicalSizeX": 0.1, "PhysicalSizeY": 0.2, "PhysicalSizeZ": 0.5}
    tifffile.imwrite(tmp_path / "zt.ome.tif", stack, metadata={"axes": "ZTYX", **sizes})
    group = zarr.open_group(tmp_path / "xy.zarr", mode="w")
    group.create_array("0", shape=discs.T.shape, dtype=discs.dtype)[...] = discs.T
    axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "xy"]
    scale = [{"type": "scale", "scale": [0.1, 0.2]}]
    datasets = [{"path": "0", "coordinateTransformations": scale}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": datasets}]}
    tifffile.imwrite(tmp_path / "plain.tif", discs)
    done = shell("segment", "zt.ome.tif", "xy.zarr", "plain.tif", "-o", "out", "--link", "no")
    assert done.exit_code == 0, done.output
    zt = read_image(tmp_path / "out" / "zt_labels.tif")
    assert (zt.reading.axes, zt.reading.spacing) == ("ZTYX", {"Z": 0.5, "Y": 0.2, "X": 0.1})
    assert all(bright_below(zt.data[place], stack[place]) for place in np.ndindex(2, 3))
    xy = read_image(tmp_path / "out" / "xy_labels.tif")
    assert (xy.reading.axes, xy.reading.spacing) == ("YX", {"Y": 0.2, "X": 0.1})
    assert bright_below(xy.data, discs)
    np.testing.assert_array_equal(xy.data > 0, read_labels(tmp_path / "out" / "plain_labels.tif") > 0)


def test_a_failure_that_nobody_foresaw_does_not_end_the_batch_and_is_said_at_its_end(
    shell, tmp_path, discs, monkeypatch
):
    for name in ("a", "b", "c"):
        tifffile.imwrite(tmp_path / f"{name}.tif", discs)
    real = to_file._labels_to_image

    def fails(image, *arguments):
        if image.name == "b":
            raise ValueError("a bug")
        return real(image, *arguments)

    monkeypatch.setattr(to_file, "_labels_to_image", fails)
    done = shell("segment", "a.tif", "b.tif", "c.tif", "-o", "out")
    assert done.exit_code == 1
    assert "Error: b.tif: it failed in a way that was not foreseen (ValueError('a bug'))" in done.stderr
    assert "2 of 3 images segmented into out" in done.stdout
    assert "; 1 failed (b.tif)" in done.stdout
    assert {"a_labels.tif", "c_labels.tif"} <= set(written(tmp_path / "out"))


def test_labels_of_each_field_of_a_well_go_into_that_field(shell, tmp_path, discs):
    plate = zarr.open_group(
        tmp_path / "plate.zarr", mode="w", attributes={"ome": {"plate": {"wells": [{"path": "A/1"}]}}}
    )
    well = plate.create_group("A/1", attributes={"ome": {"well": {"images": [{"path": "0"}, {"path": "1"}]}}})
    fields = {"0": discs, "1": discs[::-1]}
    for name, data in fields.items():
        placed = [{"type": "scale", "scale": [0.5, 0.25]}]
        multiscale = {
            "axes": [{"name": axis, "type": "space", "unit": "micrometer"} for axis in "yx"],
            "datasets": [{"path": "0", "coordinateTransformations": placed}],
        }
        field = well.create_group(name, attributes={"ome": {"version": "0.5", "multiscales": [multiscale]}})
        field.create_array("0", data=np.ascontiguousarray(data), chunks=(32, 32))
    done = shell("segment", "plate.zarr", "-o", "out", "--into-zarr", "cells")
    assert done.exit_code == 0, done.output
    for name, data in fields.items():
        labels = read_image(tmp_path / "plate.zarr" / "A" / "1" / name / "labels" / "cells")
        assert labels.reading.spacing == {"Y": 0.5, "X": 0.25}
        assert bright_below(np.asarray(labels.data), data)
    again = shell("segment", "plate.zarr", "-o", "out", "--into-zarr", "cells", "--skip-existing")
    assert "2 had results and were passed over" in again.stdout
