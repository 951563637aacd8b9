"""The header of a new model of classes says what the set is."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from src_models.classifying.training.new_classifier import check_teaches_classes, new_classifier
from src_models.errors import DataSetError, ModelFileError, UserError
from src_models.files.class_sets.opening import open_class_set
from src_models.models.header import Intensity


def test_the_header_says_classes_channels_and_size(squares):
    window = Intensity(kind="window", low=0, high=255)
    header = new_classifier(
        open_class_set(squares), architecture="toy-classes", name="squares", size=12, intensity=window, licence="MIT"
    )
    assert (header.result, header.use, header.classes) == ("class", "classify", ("bright", "dark", "striped"))
    assert (header.channels, header.tile, header.overlap) == (("grey",), (12, 12), (0, 0))
    assert header.config == {"in_channels": 1, "classes": 3}
    assert (header.intensity, header.licence) == (window, "MIT")
    assert header.purpose == "toy-classes trained on squares"


def test_one_picture_in_colour_makes_a_model_of_colours(squares):
    Image.fromarray(np.zeros((16, 16, 4), np.uint8)).save(squares / "images" / "dark" / "1.png")
    data = open_class_set(squares)
    assert new_classifier(data, architecture="toy-classes", name="a", size=16).channels == ("red", "green", "blue")


def test_other_counts_of_channels_do_not_go_together(squares):
    import tifffile

    path = squares / "images" / "dark" / "1.png"
    path.unlink()
    tifffile.imwrite(path.with_suffix(".tif"), np.zeros((2, 16, 16), np.uint8), imagej=True, metadata={"axes": "CYX"})
    (squares / "manifest.csv").unlink()
    for number in range(2, 20):
        (squares / "images" / "dark" / f"{number}.png").unlink()
    with pytest.raises(DataSetError, match=r"pictures differ in channels \(\[1, 2\]\)"):
        new_classifier(open_class_set(squares), architecture="toy-classes", name="a", size=16)


def test_networks_that_segment_are_refused():
    with pytest.raises(UserError, match="cells tells which class a picture shows, and unet says what each pixel is"):
        check_teaches_classes("unet", "cells")
    with pytest.raises(ModelFileError, match="no architecture"):
        check_teaches_classes("nothing", "cells")
    check_teaches_classes("toy-classes", "cells")
