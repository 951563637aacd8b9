"""Altered copies of what is held out: what fits the one image that was corrected is told from what fits others, too."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from src_models.corrections.correction import Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.finetuning.held_out import learning_images
from src_models.finetuning.judging import judge
from src_models.models.header import RGB, Intensity, ModelHeader
from src_models.training.altered import GAMMAS, LIGHTS, ZOOMS, altered
from src_models.training.patches import TrainingImage


def header(channels=("grey",), kind="percentile"):
    return ModelHeader(
        name="m",
        purpose="",
        architecture="unet",
        config={},
        classes=("background", "cell"),
        channels=channels,
        intensity=Intensity(kind=kind, low=0, high=100),
    )


def discs(colour, ground, seed=0, size=96):
    """Discs of one colour on a ground of another, (C, H, W), and where they are."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    labels = np.zeros((size, size), np.int32)
    for number in range(4):
        row, column = np.array(divmod(number, 2)) * size // 2 + size // 4
        labels[np.hypot(y - row, x - column) < rng.uniform(8, 14)] = number + 1
    planes = np.where(labels > 0, np.reshape(colour, (-1, 1, 1)), np.reshape(ground, (-1, 1, 1)))
    return (planes + rng.normal(0, 0.01, planes.shape)).astype(np.float16), labels


class Like(nn.Module):
    """Cells are what has one colour, to within a distance."""

    def __init__(self, colour, distance):
        super().__init__()
        self.colour = nn.Parameter(torch.tensor(colour).reshape(1, -1, 1, 1))
        self.distance = distance

    def forward(self, image):
        near = self.distance - (image - self.colour).norm(dim=1, keepdim=True)
        return torch.cat([-near, near], 1)


class Redder(nn.Module):
    """Cells are what is redder than it is green, whatever the light; it takes some of the ground for one."""

    def __init__(self):
        super().__init__()
        self.least = nn.Parameter(torch.tensor(0.15))

    def forward(self, image):
        column = torch.linspace(0, 1, image.shape[-1])
        red = image[:, :1] - image[:, 1:2] - self.least + torch.where(column < 0.06, 1.0, 0.0)
        return torch.cat([-red, red], 1)


def test_what_fits_one_stain_alone_is_better_on_the_image_itself_and_worse_on_its_copies():
    image, labels = discs((0.8, 0.3, 0.5), (0.5, 0.6, 0.6))
    held_out = TrainingImage("tile", image, (labels > 0).astype(np.int32), None)
    learnt_by_heart, general = Like((0.8, 0.3, 0.5), 0.12), Redder()
    itself = [judge(network, [held_out], header(RGB)).dice for network in (learnt_by_heart, general)]
    copies = [judge(network, altered([held_out]), header(RGB)).dice for network in (learnt_by_heart, general)]
    assert itself[0] > itself[1] + 0.1
    assert copies[0] < copies[1] - 0.1
    other, truth = discs((0.65, 0.25, 0.62), (0.42, 0.5, 0.72), seed=1)  # the other laboratory's stain
    elsewhere = TrainingImage("other", other, (truth > 0).astype(np.int32), None)
    assert judge(learnt_by_heart, [elsewhere], header(RGB)).dice < 0.1
    assert judge(general, [elsewhere], header(RGB)).dice > 0.5


def test_of_a_grey_image_light_and_contrast_change_and_the_labels_stay():
    image, labels = discs((0.5,), (0.25,))
    copies = altered([TrainingImage("tile", image, labels, None)])
    inside = [float(np.median(copy.image[0][copy.labels > 0])) for copy in copies]
    scaled = [0.5] * len(ZOOMS)
    assert inside == pytest.approx(
        [*(0.5 * light for (light,) in LIGHTS), *(0.5**gamma for gamma in GAMMAS), *scaled], 0.02
    )
    assert all((copy.labels == labels).all() for copy in copies[: -len(ZOOMS)])


def test_a_copy_at_another_scale_keeps_objects_on_their_pixels_and_what_does_not_count():
    image, labels = discs((0.9,), (0.1,))
    counting = np.where(np.arange(96) < 48, labels, ~labels)
    for zoom, copy in zip(ZOOMS, altered([TrainingImage("tile", image, counting, None)])[-len(ZOOMS) :], strict=True):
        assert copy.image.shape[1:] == copy.labels.shape == (round(96 * zoom), round(96 * zoom))
        whole = np.where(copy.labels < 0, ~copy.labels, copy.labels)
        assert ((copy.image[0] > 0.5) == (whole > 0)).mean() > 0.985
        assert (copy.labels >= 0).mean() == pytest.approx(0.5, abs=0.02)
        areas = [np.bincount(each.ravel(), minlength=5)[1:] for each in (whole, labels)]
        assert areas[0] / areas[1] == pytest.approx(zoom**2, rel=0.1)


def test_a_strip_is_not_made_smaller_than_a_network_can_see():
    image, labels = discs((0.9,), (0.1,))
    strip = TrainingImage("strip", image[:, 20:56], labels[20:56], None)
    assert [copy.labels.shape for copy in altered([strip])][4:] == [(round(36 * ZOOMS[1]), round(96 * ZOOMS[1]))]


@pytest.mark.parametrize(
    ("planes", "kind", "copies"), [(1, "percentile", 6), (3, "percentile", 18), (4, "percentile", 0), (1, "window", 0)]
)
def test_copies_judge_until_a_whole_plane_does_and_never_of_what_is_measured(tmp_path, planes, kind, copies):
    kept = CorrectionSet.open(tmp_path)
    for number in range(planes):
        image, labels = discs((0.9,), (0.1,), seed=number, size=160)
        pixels = (255 * image[0].astype(np.float32).clip(0, 1)).astype(np.uint8)
        kept.add(mark(pixels, labels, np.zeros_like(labels), source=Source(layer=f"plane {number}")))
    found = learning_images(kept, header(kind=kind))
    assert found.varied == bool(copies)
    assert len(found.validation) == min(planes, 4) + copies
