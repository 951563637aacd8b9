"""Files of labels, maps and the record: where they go, and what the record holds against the labels themselves."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version

import numpy as np
import pytest
import tifffile
import zarr

from src_models.errors import OutputError
from src_models.files.images import read_image, read_labels
from src_models.models.checkpoint import load
from src_models.prediction import to_file
from src_models.prediction.record import check_record, record_path, write_record
from src_models.prediction.segment import segment
from src_models.prediction.to_file import Results, segment_to_file


@pytest.fixture
def write(tmp_path, tiny_model_path):
    """Segment an array as a file would be; give what was written and the record."""

    def run(data, *, overwrite=False, name="cells.ome.tif", axes=None, **settings):
        tifffile.imwrite(tmp_path / name, data, metadata={"axes": axes or "YX"})
        image = read_image(tmp_path / name)
        model = load(tiny_model_path)

        def go(labels_out):
            return segment(image.data, model, axes=image.reading, labels_out=labels_out, diameter=20, **settings)

        written = segment_to_file(image, go, tmp_path / "out", overwrite=overwrite)
        return written, json.loads(written.record.read_text(encoding="utf-8"))

    return run


def test_the_record_says_by_what_and_how_the_labels_were_made(write, tmp_path, tiny_model_path, discs):
    written, record = write(discs, attention=True, sensitivity=0.1)
    assert written.labels == tmp_path / "out" / "cells_labels.tif"
    assert written.record == tmp_path / "out" / "cells_labels.json"
    assert record["image"] == str(tmp_path / "cells.ome.tif")
    assert record["labels"] == "cells_labels.tif"
    assert record["attention"] == [path.name for path in written.maps] == ["cells_attention_gate_2.ome.tif"]
    assert record["model"] == {
        "name": "tiny",
        "sha256": hashlib.sha256(tiny_model_path.read_bytes()).hexdigest(),
    }
    assert record["settings"] | {"diameter": 20, "sensitivity": 0.1, "axes": "YX"} == record["settings"]
    assert record["versions"] | {name: version(name) for name in ("torch", "numpy")} == record["versions"]
    assert 0 < record["seconds"] < 60
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "cells_attention_gate_2.ome.tif",
        "cells_labels.json",
        "cells_labels.tif",
    ]


def test_the_objects_of_the_record_are_those_of_the_labels(write, discs):
    written, record = write(discs)
    assert record["result"] == "instances"
    assert record["found"] == {"objects": len(np.unique(read_labels(written.labels))) - 1} == {"objects": 2}
    written, record = write(discs, overwrite=True, least_size=18.5)
    assert record["found"] == {"objects": len(np.unique(read_labels(written.labels))) - 1} == {"objects": 1}


def test_the_objects_of_a_stack_are_counted_once_and_their_outlines_as_well(write, discs):
    _, record = write(np.stack([discs] * 3), axes="ZYX")
    assert record["found"] == {"objects": 2, "outlines": 6}
    _, record = write(np.stack([discs] * 3), axes="ZYX", overwrite=True, link="")
    assert record["found"] == {"objects": 6}


def test_pixels_of_classes_are_counted(write, discs):
    written, record = write(discs, result="semantic")
    counts = np.bincount(read_labels(written.labels).ravel(), minlength=2)
    assert counts[1] > 0
    assert record["found"] == {"pixels": {"background": counts[0], "objects": counts[1]}}


def test_what_was_advised_is_kept(write, discs):
    written, record = write(np.full_like(discs, 20))
    assert record["found"] == {"objects": 0}
    assert record["advice"] == list(written.segmentation.advice)
    assert record["advice"][0].startswith("Nothing was found.")


def test_labels_of_a_large_image_have_their_record_as_well(tmp_path, tiny_model_path, discs, monkeypatch):
    zarr.create_array(tmp_path / "cells.zarr", data=discs)
    monkeypatch.setattr(to_file, "LARGE", 1)
    image, model = read_image(tmp_path / "cells.zarr"), load(tiny_model_path)

    def run(labels_out):
        return segment(image.data, model, diameter=20, labels_out=labels_out)

    written = segment_to_file(image, run, tmp_path, overwrite=False)
    assert written.labels == tmp_path / "cells_labels.zarr"
    assert json.loads((tmp_path / "cells_labels.json").read_text())["found"] == {"objects": 2}


def test_a_record_goes_with_its_labels_and_nothing_else_is_replaced(write, tmp_path, discs):
    written, _ = write(discs)
    written.labels.unlink()
    check_record(written.labels)
    assert write(discs)[0].record == written.record
    written.record.write_text('{"TaskName": "rest"}')
    written.labels.unlink()
    with pytest.raises(OutputError, match=r"cells_labels\.json exists already"):
        write(discs)
    assert not written.labels.exists(), "refused before the work"
    with pytest.raises(OutputError, match=r"cells_labels\.json exists already"):
        write_record(written.labels, written.segmentation, read_image(tmp_path / "cells.ome.tif"), seconds=1.0)
    assert written.record.read_text() == '{"TaskName": "rest"}'
    assert write(discs, overwrite=True)[1]["labels"] == "cells_labels.tif"


@pytest.mark.parametrize(
    "name", ["a_labels.tif", "a_labels.zarr", "a_labels.nii.gz", "a_labels.nrrd", "a_labels.seg.nrrd", "a_labels.dcm"]
)
def test_the_record_is_called_as_the_labels(tmp_path, name):
    assert record_path(tmp_path / name) == tmp_path / "a_labels.json"


def test_where_results_go_is_known_before_an_image_is_opened(tmp_path, discs):
    results = Results.of(tmp_path / "a.b.tif", tmp_path, ["gate 2"])
    assert [path.name for path in results.labels] == ["a.b_labels.tif", "a.b_labels.zarr"]
    assert [path.name for path in results.maps] == ["a.b_attention_gate_2.ome.tif"]
    assert [path.name for path in Results.of(tmp_path / "scan.nii.gz", tmp_path).labels] == ["scan_labels.nii.gz"]
    assert (results.existing, results.complete) == ([], False)
    results.labels[1].mkdir()
    assert (results.existing, results.complete) == ([results.labels[1]], False)
    results.maps[0].touch()
    assert results.complete


@pytest.mark.parametrize(
    ("form", "name"), [("geojson", "cells.geojson"), ("coco", "cells_coco.json"), ("roi", "cells_rois.zip")]
)
def test_outlines_for_another_program_are_those_of_the_labels(tmp_path, tiny_model_path, discs, form, name):
    if form == "roi":
        pytest.importorskip("roifile")
    tifffile.imwrite(tmp_path / "cells.tif", discs)
    image, model = read_image(tmp_path / "cells.tif"), load(tiny_model_path)
    results = Results.of(image.path, tmp_path / "out", scan_format=form)
    assert not results.existing

    def go(labels_out):
        return segment(image.data, model, axes=image.reading, labels_out=labels_out, diameter=20)

    written = segment_to_file(image, go, tmp_path / "out", overwrite=False, scan_format=form)
    assert written.outlines == tmp_path / "out" / name
    assert results.complete
    np.testing.assert_array_equal(read_labels(written.outlines, like=image.reading), read_labels(written.labels))
    with pytest.raises(OutputError):
        segment_to_file(image, go, tmp_path / "out", overwrite=False, scan_format=form)
