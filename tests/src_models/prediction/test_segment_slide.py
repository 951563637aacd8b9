"""Of a slide only tiles that hold tissue are computed, and within the tissue nothing changes by that."""

import json
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from shuffled_pool import ShuffledPool
from slide_files import tissue_slide, write_svs

from src_models.files.image_list import OneImage
from src_models.files.images import read_image, read_label_file
from src_models.files.series import lazy_tiff
from src_models.files.slides import slide_tissue
from src_models.images import plane_source
from src_models.images.model_image import ModelImage
from src_models.images.slides.tissue import find_tissue
from src_models.labels import labelling
from src_models.models.checkpoint import Model, load, save
from src_models.models.header import Intensity, ModelHeader
from src_models.prediction.batches.image_task import ImageTask, segment_image
from src_models.prediction.blocks import block_plan
from src_models.prediction.blocks.block_run import segment_in_blocks
from src_models.prediction.segment import segment
from src_models.prediction.settings import RunSettings

COLOURS = {"channels": ("red", "green", "blue"), "intensity": Intensity(kind="window", low=0, high=255)}


class DarkObjects(torch.nn.Module):
    """Takes what is darker than the pink of tissue for objects, and counts the tiles that it sees."""

    seen: ClassVar[list[int]] = []

    def forward(self, x):
        self.seen.append(len(x))
        dark = 30 * (0.53 - x[:, 1:2])  # green: 0.24 in nuclei, 0.63 around them
        return torch.cat([-dark, dark, torch.full_like(dark, -99)], 1)


class Noise(torch.nn.Module):
    """Says something of every pixel, of glass too, by what is around it, which near the edge of a tile is nothing."""

    def forward(self, x):
        green = 0.5 * (x[:, 1:2] + torch.nn.functional.avg_pool2d(x[:, 1:2], 5, 1, 2))
        return torch.cat([torch.zeros_like(green), 90 * (green - 0.933), 90 * (0.62 - green)], 1)


def model_of(network, result):
    header = ModelHeader(
        name="by colour", purpose="tests", architecture="unet", config={}, result=result, tile=(64, 64),
        overlap=(16, 16), classes=("background", "interior", "boundary"), **COLOURS,
    )  # fmt: skip
    return Model(network, header)


@pytest.fixture(scope="module")
def scene():
    return tissue_slide(330, 400, [(150, 120, 70)])  # glass is most of it


@pytest.fixture
def slide(tmp_path, scene, monkeypatch):
    """The file of a slide, small as it is."""
    monkeypatch.setattr(lazy_tiff, "LAZY_BYTES", 100_000)
    monkeypatch.setattr(slide_tissue, "LEAST_PIXELS", 100_000)
    return write_svs(tmp_path / "case.svs", scene[0], size=0.5)


def test_within_tissue_the_result_is_that_of_the_whole_slide(scene):
    data, where = scene
    model, tissue = model_of(Noise(), "semantic"), find_tissue(data[::4, ::4])
    whole, part = (segment(data, model, device="cpu", tissue=one) for one in (None, tissue))
    assert len(np.unique(whole.labels[where])) > 1
    np.testing.assert_array_equal(part.labels[where], whole.labels[where])
    far = np.s_[:, 300:]
    assert whole.labels[far].any()
    assert not part.labels[far].any()
    assert any("Only tissue was looked at" in note for note in part.notes)
    assert part.provenance["settings"]["tissue"] == pytest.approx(tissue.share, abs=1e-4)


def test_objects_are_those_of_the_whole_slide_at_a_fraction_of_the_tiles(scene):
    data, _ = scene
    model, tiles, found = model_of(DarkObjects(), "instances"), [], []
    for tissue in (None, find_tissue(data[::4, ::4])):
        DarkObjects.seen.clear()
        found.append(segment(data, model, device="cpu", tissue=tissue))
        tiles.append(sum(DarkObjects.seen))
    assert found[0].found["objects"] > 15
    np.testing.assert_array_equal(found[1].labels, found[0].labels)
    assert tiles[1] < 0.5 * tiles[0]


def test_blocks_pass_over_glass_as_one_process_does(slide, tmp_path, make_model, monkeypatch):
    for table, size in ((labelling.BLOCK, 128), (labelling.HALO, 28), (block_plan.CHUNK, 32)):
        monkeypatch.setitem(table, 2, size)
    monkeypatch.setitem(block_plan.SIDES, 2, (128, 64))
    file = save(make_model(sharpness=40, **COLOURS), tmp_path / "model.safetensors")
    model, image = load(file), read_image(slide)
    settings = RunSettings(device="cpu", tissue=slide_tissue.tissue_of(image))
    alone = segment(image.data, model, axes=image.reading, **settings.keywords)
    pool, task = ShuffledPool(), ImageTask(image=OneImage(slide), output=tmp_path, settings=settings)
    together = segment_in_blocks(image, task, model, pool=pool, key=pool.send(file.read_bytes()), folder=tmp_path)
    assert alone.labels.any()
    np.testing.assert_array_equal(together.labels, alone.labels)
    assert (together.found, together.notes) == (alone.found, alone.notes)


def test_a_slide_is_segmented_on_its_tissue_by_itself_and_its_labels_have_its_microns(slide, tmp_path):
    task = ImageTask(image=OneImage(slide), output=tmp_path / "out", settings=RunSettings(device="cpu"))
    found = segment_image(task, model_of(DarkObjects(), "instances"))
    assert any("Only tissue was looked at" in note for note in found.advice)
    labels = read_label_file(tmp_path / "out" / "case_labels.tif")
    assert labels.reading.spacing == pytest.approx({"Y": 0.5, "X": 0.5})
    assert labels.reading.unit == "µm"
    record = json.loads((tmp_path / "out" / "case_labels.json").read_text())
    assert 0 < record["settings"]["tissue"] < 0.5

    everywhere = replace(task, output=tmp_path / "all", glass=True)
    assert not any(
        "Only tissue" in note for note in segment_image(everywhere, model_of(DarkObjects(), "instances")).advice
    )
    np.testing.assert_array_equal(read_label_file(tmp_path / "all" / "case_labels.tif").data, labels.data)


def test_a_slide_is_seen_at_the_microns_of_the_model(slide, make_model):
    model = make_model(spacing=(1.0, 1.0), unit="µm", **COLOURS)
    image = read_image(slide)
    found = segment(image.data, model, axes=image.reading, device="cpu", tissue=slide_tissue.tissue_of(image))
    assert found.zoom == 0.5
    assert "µm" in found.size


def test_grey_values_are_measured_where_tissue_is(scene, monkeypatch):
    """Of a slide that is nearly all glass, the range that counts is that of the stain."""
    monkeypatch.setattr(plane_source, "BLOCK", 64)
    data = np.full((1280, 1280, 3), 238, np.uint8)
    data[640:970, 256:656] = scene[0]
    header = replace(model_of(DarkObjects(), "instances").header, intensity=Intensity())
    tissue = find_tissue(data[::4, ::4])
    image = ModelImage(data, header, tissue=tissue)
    stain = image.plane(next(iter(image.planes))).read((slice(700, 860), slice(300, 450)))
    assert np.ptp(stain) < 3, "nothing in the tissue is far beyond the range"
    assert image.read_as != ModelImage(data, header).read_as
