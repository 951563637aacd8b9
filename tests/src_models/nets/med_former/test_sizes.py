"""Sizes by name, and what a configuration has otherwise."""

import pytest

from src_models.nets.med_former.sizes import SIZES, Size


def test_the_papers_size_has_the_grids_and_heads_that_are_told_of_it():
    paper = Size.of("paper")
    assert [224 // paper.stride(stage) for stage in (1, 2, 3, 4)] == [56, 28, 14, 7]
    assert [paper.width * 2**stage // paper.head_channels for stage in range(len(paper.depths))] == [3, 6, 12, 24]


def test_the_windows_of_the_small_size_divide_images_of_72_px():
    small = SIZES["small"]
    assert not any(72 // small.patch % side for side in small.windows)


def test_what_is_given_takes_the_place_of_the_sizes_own():
    found = Size.of("paper", patch=2, stages=1, windows=[8, 2])
    assert found == Size(patch=2, width=96, head_channels=32, depths=(2, 2), windows=(8, 2))
    assert Size.of(depths=[2, 6]).depths == (2, 6)
    assert Size.in_config({"size": "paper", "stages": 0, "classes": 7}).depths == (2,)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"size": "huge"}, "size 'huge' is not one of small, paper"),
        ({"windows": [3, 6]}, r"windows \(3, 6\) must be the large one and a smaller one"),
        ({"windows": [6]}, r"windows \(6,\) must be two numbers"),
        ({"stages": 2, "depths": [2, 2]}, "stages and depths both say"),
        ({"stages": -1}, "stages -1 must be at least 0"),
        ({"depths": []}, "depths"),
        ({"width": 40}, "width 40 must be a multiple of head_channels 16"),
        ({"patch": 0}, "patch 0"),
    ],
)
def test_a_size_that_makes_no_sense_is_refused(config, words):
    with pytest.raises(ValueError, match=words):
        Size.of(**config)
