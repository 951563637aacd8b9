from __future__ import annotations

from dataclasses import replace
from threading import Event

import numpy as np
import pytest

from napari_medt.serving.answers import Refusal
from napari_medt.serving.models import Models
from napari_medt.serving.monai_label import segmenting
from napari_medt.serving.monai_label.segmenting import label_names, segment_image, segment_options, window_limits
from napari_medt.serving.store.served_image import open_image
from src_models.errors import UserError
from src_models.models.checkpoint import Model
from src_models.models.header import ModelHeader
from src_models.prediction.segment import segment


@pytest.fixture(scope="module")
def model(tiny_model_path):
    return Models([str(tiny_model_path)]).load("tiny")


@pytest.fixture
def scan(tmp_path):
    from served import affine, write_nifti

    rng = np.random.default_rng(3)
    values = rng.normal(20, 5, (60, 50, 4))
    i, j = np.ogrid[:60, :50]
    for k, (a, b) in enumerate([(20, 20), (22, 21), (40, 30), (15, 35)]):
        for centre in ((a, b), (a + 14, b - 12)):
            values[(i - centre[0]) ** 2 + (j - centre[1]) ** 2 < 30, k] = 200
    return open_image(write_nifti(tmp_path / "s.nii.gz", values.astype(np.int16), affine("LAS")), "s", of_client=True)


def test_a_volume_is_segmented_slice_by_slice_as_everywhere_else(model, scan):
    labels, names = segment_image(scan, model, "tiny", {}, Event())
    wanted = segment(scan.data, model, axes=scan.reading, result="semantic").labels
    np.testing.assert_array_equal(labels, scan.geometry.to_grid(wanted))
    assert labels.shape == (4, 50, 60)
    assert names == {"tiny": 1}
    assert set(np.unique(labels)) == {0, 1}


def test_a_model_that_was_made_for_a_spacing_sees_the_scan_resampled_to_it(model, scan):
    sizes = tuple(scan.reading.spacing[letter] / 2 for letter in "YX")
    spaced = Model(model.network, replace(model.header, spacing=sizes, unit="mm"))
    labels, _ = segment_image(scan, spaced, "tiny", {}, Event())
    wanted = segment(scan.data, spaced, axes=scan.reading, result="semantic")
    assert wanted.zoom == 2
    np.testing.assert_array_equal(labels, scan.geometry.to_grid(wanted.labels))


def test_each_object_may_be_a_segment(model, scan):
    labels, names = segment_image(scan, model, "tiny", {"objects": "a segment each"}, Event())
    wanted = scan.geometry.to_grid(segment(scan.data, model, axes=scan.reading).labels)
    count = len(np.unique(wanted)) - 1
    assert count > 2
    assert list(names.values()) == list(range(1, count + 1)), "without a gap"
    assert list(names) == [f"tiny {number}" for number in range(1, count + 1)]
    assert set(np.unique(labels)) == set(range(count + 1))
    assert len(np.unique(np.stack([labels.ravel(), wanted.ravel()]), axis=1).T) == count + 1, "the same objects"


def test_too_many_objects_for_a_segment_each_are_told(model, scan, monkeypatch):
    monkeypatch.setattr(segmenting, "_MOST_SEGMENTS", 2)
    with pytest.raises(Refusal, match="choose 'all in one segment'"):
        segment_image(scan, model, "tiny", {"objects": "a segment each"}, Event())


def test_options_do_what_they_do_everywhere_else(model, scan):
    params = {"sensitivity": "0.8", "grey_values": "CT: bone"}
    labels, _ = segment_image(scan, model, "tiny", params, Event())
    wanted = segment(scan.data, model, axes=scan.reading, result="semantic", sensitivity=0.8, grey_range=(-500, 1300))
    np.testing.assert_array_equal(labels, scan.geometry.to_grid(wanted.labels))


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"sensitivity": "much"}, "should be a number"),
        ({"sensitivity": [1]}, "should be a number"),
        ({"diameter_px": "nan"}, "should be a number"),
        ({"sensitivity": 7}, "sensitivity"),
        ({"diameter_px": -4}, "diameter"),
        ({"grey_values": "CT: teeth"}, "teeth"),
    ],
)
def test_options_that_cannot_be_are_told(model, scan, params, words):
    with pytest.raises((Refusal, UserError), match=words):
        segment_image(scan, model, "tiny", params, Event())


def test_a_run_ends_when_nobody_waits(model, scan):
    gone = Event()
    gone.set()
    with pytest.raises(Refusal, match="gone"):
        segment_image(scan, model, "tiny", {}, gone)


def header(**options) -> ModelHeader:
    base = {"name": "m", "purpose": "p", "architecture": "attention-unet", "config": {}, "channels": ("grey",)}
    return ModelHeader(**base, **options)


def test_names_are_classes_without_the_background_or_the_model_s_own():
    assert label_names("organs", header(classes=("background", "liver", "spleen"))) == ("liver", "spleen")
    objects = header(classes=("background", "interior", "boundary"), result="instances")
    assert label_names("nuclei", objects) == ("nuclei",)
    assert "objects" in segment_options(objects)
    assert "objects" not in segment_options(header(classes=("background", "liver")))


def test_windows_are_those_of_ct():
    assert window_limits("CT: soft tissue") == (-150.0, 250.0)
    assert window_limits("as the model was trained") is None
    assert window_limits(None) is None
