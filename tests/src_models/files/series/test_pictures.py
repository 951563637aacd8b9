"""Films of PNG are stacks over time; pictures of several sizes in a JPEG are several images."""

import numpy as np
import pytest
from PIL import Image

from src_models.errors import ImageError
from src_models.files.images import list_series, read_image, read_labels

RANDOM = np.random.default_rng(0)


def save(path, frames, **options):
    first, *others = (Image.fromarray(frame) for frame in frames)
    first.save(path, save_all=True, append_images=others, **options)
    return path


@pytest.mark.parametrize(("shape", "axes"), [((20, 30), "TYX"), ((20, 30, 3), "TYXC")])
def test_all_frames_of_a_film_are_one_stack_over_time(tmp_path, shape, axes):
    frames = RANDOM.integers(0, 255, (4, *shape)).astype("uint8")
    image = read_image(save(tmp_path / "film.png", frames))
    assert (image.reading.axes, image.series) == (axes, None)
    np.testing.assert_array_equal(image.data, frames)
    assert len(list_series(tmp_path / "film.png")) == 1


def test_a_still_picture_before_a_film_is_none_of_its_frames(tmp_path):
    frames = RANDOM.integers(0, 255, (4, 20, 30)).astype("uint8")
    save(tmp_path / "film.png", frames, default_image=True)
    np.testing.assert_array_equal(read_image(tmp_path / "film.png").data, frames[1:])


def test_masks_may_be_a_film(tmp_path):
    frames = RANDOM.integers(0, 5, (3, 20, 30)).astype("uint8")
    np.testing.assert_array_equal(read_labels(save(tmp_path / "masks.png", frames)), frames)


def test_axes_by_hand_count_for_the_whole_film(tmp_path):
    frames = RANDOM.integers(0, 255, (3, 20, 30)).astype("uint8")
    assert read_image(save(tmp_path / "film.png", frames), axes="ZYX").reading.axes == "ZYX"


def test_what_a_camera_keeps_beside_a_picture_is_told_and_can_be_opened(tmp_path):
    frames = [RANDOM.integers(0, 255, (size, 32, 3)).astype("uint8") for size in (24, 16)]
    path = save(tmp_path / "photo.jpg", frames, format="MPO")
    assert [(image.shape, image.beside) for image in list_series(path)] == [((24, 32), False), ((16, 32), True)]
    image = read_image(path)
    assert (image.data.shape, image.name) == ((24, 32, 3), "photo")
    assert image.title.endswith("photo.jpg, image 0 'picture 0' of 2")
    assert read_image(path, series=1).data.shape == (16, 32, 3)


def test_a_damaged_film_is_refused(tmp_path):
    path = save(tmp_path / "film.png", RANDOM.integers(0, 255, (4, 20, 30)).astype("uint8"))
    path.write_bytes(path.read_bytes()[:-700])
    with pytest.raises(ImageError, match=r"film\.png: the PNG is truncated or damaged"):
        read_image(path)
