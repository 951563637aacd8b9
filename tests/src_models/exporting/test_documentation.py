"""The documentation tells what becomes of logits, by the numbers of the header."""

from __future__ import annotations

import pytest

from src_models.exporting.documentation import documentation
from src_models.exporting.traced import Graph
from src_models.models.header import InstanceSettings, Intensity, ModelHeader, instance_classes


def test_a_scale_that_images_are_resized_to_is_told():
    header = ModelHeader(
        name="a", purpose="b", architecture="attention-unet", config={}, classes=("background", "gland"),
        channels=("grey",), image_zoom=0.48,
    )  # fmt: skip
    assert "images resized 0.48 times: resize others alike" in documentation(header, Graph(None, (64, 64), None, 1))


@pytest.mark.parametrize("separation", ["boundary", "distance", "flows"])
def test_how_objects_are_told_apart(separation):
    header = ModelHeader(
        name="a", purpose="b", architecture="attention-unet", config={}, classes=instance_classes(separation),
        channels=("grey",), result="instances", intensity=Intensity(kind="window", low=-150, high=250),
        instances=InstanceSettings(separation=separation, foreground=0.375, min_size=21), spacing=(0.5, 0.5), unit="µm",
    )  # fmt: skip
    text = documentation(header, Graph(None, (64, 64), None, 1))
    for words in ("0.375", "fewer than 21 pixels", "from -150 to 250", "0.5 x 0.5 µm", "64 x 64 px", *header.fields):
        assert words in text
