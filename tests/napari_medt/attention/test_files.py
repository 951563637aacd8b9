"""Files of attention lie where it was found on the whole image, also if only a part of that was looked at."""

from __future__ import annotations

import csv
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image
from scipy.spatial.transform import Rotation

from napari_medt.attention.files import map_files, save_maps, save_table, scan_of
from napari_medt.files.readers import scan_reader
from napari_medt.viewer.reading import read_layer
from napari_medt.viewer.result_layers import ResultLayers
from src_models.attention.map_files import read_map
from src_models.attention.placed_map import PlacedMap
from src_models.errors import OutputError, UserError
from src_models.files.images import read_image
from src_models.images.region import Region
from src_models.prediction.jobs import RegionResult, RegionRun, SegmentSettings
from src_models.prediction.segmentation import Segmentation


def gate(level, shape, seed=0):
    """A map of a gate over an image of such a shape, planes first."""
    step = 2.0 ** (level - 1)
    cells = (*shape[:-2], *(int(np.ceil(size / step)) for size in shape[-2:]))
    more = len(shape) - 2
    return PlacedMap(
        f"gate {level}",
        "attention gate",
        f"gate {level}, a cell is {step:g} px",
        level,
        np.random.default_rng(seed).random(cells, np.float32),
        (*[1.0] * more, step, step),
        (*[0.0] * more, step / 2 - 0.5, step / 2 - 0.5),
    )


def run_on(layer, region, maps):
    found = Segmentation(None, None, maps, ("background", "cell"), "semantic", {})
    job = RegionRun(
        settings=SegmentSettings(model=Path("nuclei.safetensors")),
        data=layer.data,
        region=region,
        layer_id=layer.unique_id,
        layer_name=layer.name,
    )
    return RegionResult(job=job, model_name="nuclei", labels=None, segmentation=found, summary="")


@pytest.fixture
def stack():
    """A stack of 5 planes whose pixels are not square."""
    return Image(np.zeros((5, 40, 60)), name="cells", scale=(2, 0.5, 0.25), units="um", axis_labels=("z", "y", "x"))


@pytest.fixture
def part(stack):
    """A run on a part of plane 3, with two maps."""
    region = Region("ZYX", (3, slice(8, 28), slice(12, 44)), stack.data.shape, rgb=False)
    return run_on(stack, region, [gate(2, (20, 32)), gate(3, (20, 32), seed=1)])


def test_a_map_of_a_part_lies_where_that_part_does(tmp_path, stack, part):
    files = save_maps(part, [], tmp_path, read_layer(stack))
    assert [file.name for file in files] == [f"cells_nuclei_attention_gate_{level}.ome.tif" for level in (2, 3)]
    for file, wanted, step in zip(files, part.segmentation.attention, (2, 4), strict=True):
        found = read_map(file)
        assert found.name == wanted.name
        np.testing.assert_array_equal(found.data, wanted.data[None])
        assert found.scale == (1, step, step)
        # the first cell covers pixels 8, 9, ... of the rows and 12, 13, ... of the columns of plane 3
        assert found.translate == (3, np.mean(np.arange(8, 8 + step)), np.mean(np.arange(12, 12 + step)))
        assert read_image(file).reading.spacing == {"Y": 0.5 * step, "X": 0.25 * step}


def test_only_the_maps_that_are_named_are_written(tmp_path, stack, part):
    assert map_files(part, ["gate 3"], tmp_path) == {"gate 3": tmp_path / "cells_nuclei_attention_gate_3.ome.tif"}
    save_maps(part, ["gate 3"], tmp_path, read_layer(stack))
    assert [file.name for file in tmp_path.iterdir()] == ["cells_nuclei_attention_gate_3.ome.tif"]


def test_a_map_of_a_stack_is_a_stack(tmp_path, stack):
    region = Region("ZYX", (slice(1, 4), slice(0, 40), slice(0, 60)), stack.data.shape, rgb=False)
    wanted = gate(2, (3, 40, 60))
    [file] = save_maps(run_on(stack, region, [wanted]), ["gate 2"], tmp_path, read_layer(stack))
    found = read_map(file)
    np.testing.assert_array_equal(found.data, wanted.data)
    assert found.translate == (1, 0.5, 0.5)


@pytest.mark.parametrize(
    ("shape", "labels", "rgb", "cut"),
    [
        pytest.param((40, 60, 3), ("y", "x"), True, ("YXC", (slice(8, 28), slice(12, 44), slice(0, 3))), id="colours"),
        pytest.param(
            (3, 40, 60), ("c", "y", "x"), False, ("CYX", (slice(0, 3), slice(8, 28), slice(12, 44))), id="channels"
        ),
    ],
)
def test_a_map_has_neither_channels_nor_colours(tmp_path, shape, labels, rgb, cut):
    layer = Image(np.zeros(shape), name="cells", rgb=rgb, axis_labels=labels)
    outcome = run_on(layer, Region(*cut, shape, rgb=rgb), [gate(2, (20, 32))])
    [file] = save_maps(outcome, [], tmp_path, read_layer(layer))
    found = read_map(file)
    np.testing.assert_array_equal(found.data, outcome.segmentation.attention[0].data)
    assert found.scale == (2, 2)
    assert found.translate == (8.5, 12.5)


@pytest.mark.parametrize("part", [None, (slice(3, 11), slice(2, 10), slice(1, 7))], ids=["whole", "a part"])
def test_a_3d_map_of_an_oblique_scan_lies_on_it_as_a_layer_and_as_a_file(tmp_path, part):
    """Voxels of three lengths, turned in space; each value is the sum of three coordinates (mm) of where it is."""
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", [25, -15, 10], degrees=True).as_matrix()[:, [1, 0, 2]] * (-0.7, 1.3, 3)
    affine[:3, 3] = (30, -50, 70)
    grid = np.stack(np.meshgrid(*map(np.arange, (12, 14, 16)), indexing="ij"), -1)
    nib.save(nib.Nifti1Image(nib.affines.apply_affine(affine, grid) @ (1, 5, 25), affine), tmp_path / "scan.nii.gz")
    [(data, options, _)] = scan_reader(str(tmp_path / "scan.nii.gz"))(str(tmp_path / "scan.nii.gz"))
    viewer = ViewerModel()
    layer = viewer.add_image(data, **options)
    cut = part or tuple(slice(0, size) for size in data.shape)
    blocks = np.asarray(data, float)[cut].reshape([n for s in cut for n in ((s.stop - s.start) // 2, 2)])
    wanted = PlacedMap("gate 2", "attention gate", "a gate", 2, blocks.mean(axis=(1, 3, 5)), (2.0,) * 3, (0.5,) * 3)
    outcome = run_on(layer, Region("ZYX", cut, data.shape, rgb=False), [wanted])
    shown = ResultLayers(viewer).show_map(layer, outcome, wanted)
    assert shown.data.ndim == 3
    for at in ((0, 0, 0), (3, 2, 1), (2, 3, 2)):  # the world is superior, posterior, left
        assert np.dot(shown.data_to_world(at), (25, -5, -1)) == pytest.approx(shown.data[at], abs=1e-3)
    place = scan_of(layer, read_layer(layer))
    [file] = save_maps(outcome, [], tmp_path, read_layer(layer), place)
    assert file == map_files(outcome, ["gate 2"], tmp_path, place)["gate 2"]
    assert file.name == "scan_nuclei_attention_gate_2.nii.gz"
    found = nib.load(file)
    centres = nib.affines.apply_affine(
        found.affine, np.stack(np.meshgrid(*map(np.arange, found.shape), indexing="ij"), -1)
    )
    np.testing.assert_allclose(centres @ (1, 5, 25), found.get_fdata(), atol=1e-3)


def test_existing_maps_are_kept_unless_told(tmp_path, stack, part):
    path = tmp_path / "cells_nuclei_attention_gate_2.ome.tif"
    path.write_bytes(b"a year of work")
    with pytest.raises(OutputError, match=r"gate_2\.ome\.tif exists already"):
        save_maps(part, [], tmp_path, read_layer(stack))
    assert path.read_bytes() == b"a year of work"
    save_maps(part, [], tmp_path, read_layer(stack), overwrite=True)
    np.testing.assert_array_equal(read_map(path).data, part.segmentation.attention[0].data[None])


def test_a_table_has_the_range_of_every_map_and_its_value_at_the_place(tmp_path, part):
    path = save_table(part, tmp_path / "maps.csv", (13, 30))
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row, placed, step in zip(rows, part.segmentation.attention, (2, 4), strict=True):
        assert row["map"] == placed.name
        assert float(row["value"]) == placed.data[13 // step, 30 // step]
        assert float(row["minimum"]) == placed.data.min()
        assert float(row["maximum"]) == placed.data.max()
        assert float(row["mean"]) == pytest.approx(placed.data.astype(float).mean(), rel=1e-12)
        assert row["position_px"] == "13 30"


def test_a_table_without_a_place_has_no_values_and_replaces_nothing(tmp_path, part):
    path = save_table(part, tmp_path / "maps.csv")
    before = path.read_text()
    assert [row["value"] for row in csv.DictReader(before.splitlines())] == ["", ""]
    with pytest.raises(OutputError, match=r"maps\.csv exists already"):
        save_table(part, path, (13, 30))
    assert path.read_text() == before
    assert save_table(part, path, (13, 30), overwrite=True).read_text() != before
    with pytest.raises(UserError, match="lies outside of the map 'gate 2'"):
        save_table(part, tmp_path / "other.csv", (20, 30))
    assert not (tmp_path / "other.csv").exists()
