"""Which images of many are worked on: what is there, what may be replaced, what is missing."""

import pytest

from src_models.errors import ImageError, OutputError
from src_models.files.image_list import OneImage
from src_models.prediction.batches.choosing import Place, check_names, choose_image


@pytest.fixture
def image(tmp_path):
    (tmp_path / "cells.png").write_bytes(b"")
    return OneImage(tmp_path / "cells.png")


@pytest.mark.parametrize(
    ("skip", "overwrite", "does"),
    [(True, False, "skip"), (False, False, "leave"), (False, True, "work")],
    ids=["passed over", "left", "replaced"],
)
def test_what_becomes_of_an_image_with_results(image, tmp_path, skip, overwrite, does):
    place = Place(tmp_path / "out")
    assert choose_image(image, place, skip_existing=skip, overwrite=overwrite).does == "work"
    labels = tmp_path / "out" / "cells_labels.tif"
    labels.parent.mkdir()
    labels.write_bytes(b"")
    choice = choose_image(image, place, skip_existing=skip, overwrite=overwrite)
    assert choice.does == does
    assert choice.existing == (() if does == "work" else (labels,))


def test_results_that_are_not_complete_are_no_reason_to_pass_an_image_over(image, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "cells_labels.tif").write_bytes(b"")
    with_outlines = Place(tmp_path / "out", scan_format="geojson")
    assert choose_image(image, with_outlines, skip_existing=True, overwrite=False).does == "leave"


def test_what_cannot_be_worked_on_is_told_in_a_sentence(image, tmp_path):
    place = Place(tmp_path / "out")
    gone = choose_image(OneImage(tmp_path / "gone.tif"), place, skip_existing=True, overwrite=False)
    assert (gone.does, gone.why) == ("fail", f"{tmp_path / 'gone.tif'}: there is no such file; check the name")
    damaged = OneImage(image.path, error=ImageError("no image 7"))
    assert choose_image(damaged, place, skip_existing=True, overwrite=False).why == "no image 7"
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "cells_labels.json").write_text("notes of mine")
    told = choose_image(image, place, skip_existing=True, overwrite=False)
    assert told.does == "fail"
    assert "cells_labels.json exists already" in told.why


def test_images_of_one_name_are_refused(tmp_path):
    with pytest.raises(OutputError, match="2 of the images are called 'a'"):
        check_names([OneImage(tmp_path / "a.tif"), OneImage(tmp_path / "a.png"), OneImage(tmp_path / "b.png")])
