"""How unsure a model is of images: of a sample of each, as the ranking of tiles says."""

from __future__ import annotations

import numpy as np
from served_scans import AFFINES, write_scan

from napari_medt.serving.monai_label.learning.ranking_process import sample, scores_of
from napari_medt.serving.store.served_image import open_image
from src_models.finetuning.candidates import rank_steps
from src_models.images.axes import read_axes
from src_models.models.checkpoint import load
from src_models.progress import finish


def test_of_a_stack_a_few_slices_and_of_large_planes_the_middle_are_looked_at():
    stack = np.arange(40)[:, None, None] + np.zeros((1, 900, 10), int)
    part, reading = sample(stack, read_axes(stack.shape, axes="ZYX", spacing=(3, 1, 1)))
    assert part.shape == (5, 768, 10)
    assert (reading.axes, reading.shape, reading.spacing["Z"]) == ("ZYX", part.shape, 3)
    shown = part[:, 0, 0]
    assert shown[0] > 0
    assert shown[-1] < 39
    assert np.ptp(np.diff(shown)) <= 1
    picture = np.zeros((30, 20, 3), np.uint8)
    part, _ = sample(picture, read_axes(picture.shape, axes="YXC"))
    assert part.shape == picture.shape
    single = np.zeros((1, 30, 20))
    assert sample(single, read_axes(single.shape, axes="ZYX"))[0].shape == single.shape


def test_scores_are_the_doubts_of_the_tiles_and_what_is_no_image_has_none(tmp_path, dark_model_path):
    write_scan(tmp_path / "scan.nii.gz", AFFINES["oblique"])
    (tmp_path / "broken.nii.gz").write_bytes(b"no scan")
    paths = {"one": "scan.nii.gz", "two": "broken.nii.gz", "three": "gone.nii.gz"}
    images = [{"key": key, "path": str(tmp_path / name), "of_client": False} for key, name in paths.items()]
    scores = dict(scores_of({"model": str(dark_model_path), "images": images}))
    assert (scores["two"], scores["three"]) == (None, None)
    image = open_image(tmp_path / "scan.nii.gz", "scan", of_client=False)
    tiles = finish(rank_steps(image.data, load(dark_model_path), axes=image.reading))
    np.testing.assert_allclose(scores["one"], np.sort([tile.uncertainty for tile in tiles])[-3:].mean(), rtol=1e-5)
