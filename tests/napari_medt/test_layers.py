"""Layers of an axial network's attention: what is black and what is white."""

import numpy as np
import pytest
import torch
from napari.components import ViewerModel

from napari_medt.image_source import read_layer
from napari_medt.layers import METADATA_KEY, ResultLayers
from napari_medt.regions import region_in_viewer
from napari_medt.segmentation_task import Job, SegmentSettings, segmentation_steps
from src_models.checkpoint import Model, save
from src_models.header import ModelHeader
from src_models.registry import create

NAMES = ("block 1.1 received", "block 1.1 positions in similarity", "block 1.1 positions in output")


@pytest.fixture
def axial_model_path(tmp_path):
    config = {"image_size": 32, "in_channels": 1, "classes": 2}
    header = ModelHeader(
        name="axial",
        purpose="Tests",
        architecture="gated-axial-unet",
        config=config,
        classes=("background", "cell"),
        channels=("grey",),
        tile=(32, 32),
        overlap=(8, 8),
    )
    torch.manual_seed(0)
    return save(Model(create(header.architecture, **config), header), tmp_path / "axial.safetensors")


def outcome_of(viewer, path):
    layer = viewer.layers[0]
    region = region_in_viewer(viewer, layer, read_layer(layer, None), 2, "all")
    settings = SegmentSettings(model=path, attention=NAMES, device="cpu", threads=1)
    job = Job(settings=settings, data=layer.data, region=region, layer_id=layer.unique_id, layer_name=layer.name)
    steps = segmentation_steps(job)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_received_goes_to_four_times_the_average_and_shares_to_one_whatever_the_image(axial_model_path):
    """The average of what is received is 1 in any image; a share lies between 0 and 1."""
    for image in (np.random.default_rng(0).integers(0, 255, (32, 32), np.uint8), np.full((32, 32), 9, np.uint8)):
        viewer = ViewerModel()
        viewer.add_image(image, axis_labels=("y", "x"))
        ResultLayers(viewer).show(viewer.layers[0], outcome_of(viewer, axial_model_path))
        notes = [(layer, layer.metadata[METADATA_KEY]["layer"]) for layer in viewer.layers[1:]]
        maps = {note["map"]: layer for layer, note in notes if note["role"] == "attention"}
        assert set(maps) == set(NAMES)
        received, *shares = (maps[name] for name in NAMES)
        assert tuple(received.contrast_limits) == (0, 4)
        assert received.data.mean() == pytest.approx(1, abs=1e-3)
        for share in shares:
            assert tuple(share.contrast_limits) == (0, 1)
            assert 0 <= share.data.min() <= share.data.max() <= 1
