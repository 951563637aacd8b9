"""Images and masks of any tool as what a network learns from: all of them count, and test images never do."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import tifffile
from PIL import Image

from src_models.corrections.correction import Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.errors import DataSetError, ImageError, UserError
from src_models.files.dataset import DataSet
from src_models.finetuning.held_out import learning_images
from src_models.finetuning.learning import Learning
from src_models.finetuning.settings import FinetuneSettings
from src_models.finetuning.whole_images import MOST_JUDGING, WholeImages, open_corrections
from src_models.models.header import Intensity, ModelHeader, slice_channels
from src_models.teaching.learner import finetune, learner

SHAPE = (40, 52)
QUICK = FinetuneSettings(steps=2, seconds=1e6, batch=2, patch=32, validate_every=2, device="cpu", replay=0)


def header(result="semantic", classes=("background", "a", "b"), channels=("grey",)):
    return ModelHeader(
        name="m",
        purpose="",
        architecture="unet",
        config={},
        classes=("background", "interior", "boundary") if result == "instances" else classes,
        channels=channels,
        result=result,
        intensity=Intensity(kind="window", low=0, high=100),
    )


def scene(seed):
    rng = np.random.default_rng(seed)
    labels = np.zeros(SHAPE, np.uint16)
    for number in (1, 2):
        y, x = rng.integers(0, 30, 2)
        labels[y : y + 8, x : x + 8] = number
    return rng.integers(0, 100, SHAPE).astype(np.uint8), labels


def write(root, count, *, ending="tif", splits=None, change=lambda labels: labels):
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for seed in range(count):
        image, labels = scene(seed)
        for folder, array in (("images", image), ("masks", change(labels))):
            path = root / folder / f"p{seed}.{ending}"
            if ending == "tif":
                tifffile.imwrite(path, array)
            else:
                Image.fromarray(array).save(path)
    if splits is not None:
        rows = [f"p{seed}.{ending},{split},{seed}" for seed, split in enumerate(splits)]
        (root / "manifest.csv").write_text("\n".join(["file,split,objects", *rows]))
    return root


def sides(folder, **options):
    """Return the names of what teaches and of what judges."""
    found = learning_images(open_corrections(folder), header(**options))
    return ({image.name for image in images} for images in (found.training, found.validation))


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# What counts


@pytest.mark.parametrize("ending", ["tif", "png"])
@pytest.mark.parametrize("count", [1, 3, 5])
def test_each_pixel_teaches_or_judges_with_the_label_of_its_mask(tmp_path, ending, count):
    folder = write(tmp_path / "cells", count, ending=ending)
    before = files(folder)
    found = learning_images(open_corrections(folder), header())
    told = {f"p{seed}.{ending}": np.full(SHAPE, -9) for seed in range(count)}
    for image in (*found.training, *found.validation):
        counts = image.labels >= 0
        assert (told[image.name][counts] == -9).all(), "nothing is on both sides"
        told[image.name][counts] = image.labels[counts]
        np.testing.assert_allclose(image.image[0], scene(int(image.name[1]))[0] / 100, atol=1e-3)
    for seed in range(count):
        np.testing.assert_array_equal(told[f"p{seed}.{ending}"], scene(seed)[1])
    assert files(folder) == before


def test_the_sample_images_are_learnt_from_as_they_are(make_model, repository, tmp_path):
    """Three images larger than a tile, grey and in colour, of which each teaches and judges."""
    for name in ("fluorescence", "histology", "brightfield"):
        for folder, stored in (("images", name), ("masks", f"{name}_labels")):
            (tmp_path / folder).mkdir(exist_ok=True)
            shutil.copy(repository / "sample_data" / f"{stored}.png", tmp_path / folder / f"{name}.png")
    shutil.copy(repository / "sample_data" / "README.md", tmp_path)
    model = make_model(
        "unet", classes=("background", "interior", "boundary"), channels=("red", "green", "blue"), result="instances"
    )
    before = files(tmp_path)
    learning = Learning(model, tmp_path, QUICK)
    updates = list(learning.steps())
    assert [update.step for update in updates] == [0, 1, 2]
    assert all(np.isfinite(update.loss) for update in updates[1:])
    training = learning.preview().header.training
    assert training["corrections"] == 3
    assert training["corrections_sha256"] == open_corrections(tmp_path).sha256
    assert files(tmp_path) == before


def test_of_a_set_that_says_so_only_what_is_marked_counts(tmp_path):
    folder = write(tmp_path, 1)
    (folder / "marked").mkdir()
    marked = np.zeros(SHAPE, np.uint8)
    marked[5:30, 5:40] = 255
    tifffile.imwrite(folder / "marked" / "p0.tif", marked)
    found = learning_images(open_corrections(folder), header())
    counts = sum(image.labels >= 0 for image in (*found.training, *found.validation))
    np.testing.assert_array_equal(counts, marked > 0)


def test_masks_without_numbers_hold_objects_as_far_as_they_do_not_touch(tmp_path):
    def two_squares(_):
        labels = np.zeros(SHAPE, np.uint16)
        labels[4:12, 4:12] = labels[20:28, 30:38] = 255
        return labels

    folder = write(tmp_path / "binary", 1, change=two_squares)
    found = learning_images(open_corrections(folder), header("instances"))
    assert found.diameter == pytest.approx(2 * np.sqrt(64 / np.pi))
    told = np.zeros(SHAPE, int)
    for image in (*found.training, *found.validation):
        told = np.where(image.labels >= 0, image.labels, told)
    assert told[5, 5] > 0
    assert told[25, 35] > 0
    assert told[5, 5] != told[25, 35]
    numbered = write(tmp_path / "numbered", 1, change=lambda labels: np.where(two_squares(0) > 0, 7, labels))
    for image in learning_images(open_corrections(numbered), header("instances")).training:
        assert len(np.unique(image.labels[image.labels > 0])) <= 3, "where numbers are given, they stand"


# Who judges


def test_the_split_of_a_manifest_is_honoured_and_test_images_are_not_even_read(tmp_path):
    folder = write(tmp_path, 6, splits=["train", "test", "val", "train", "testA", ""])
    for left_alone in ("p1.tif", "p4.tif", "p5.tif"):
        for kind in ("images", "masks"):
            (folder / kind / left_alone).write_bytes(b"no image at all")
    teaching, judging = sides(folder)
    assert teaching == {"p0.tif", "p3.tif"}
    assert judging == {"p2.tif"}
    corrections = open_corrections(folder)
    before = corrections.sha256
    (folder / "images" / "p1.tif").write_bytes(b"another")
    assert open_corrections(folder).sha256 == before, "what is never learnt from has no part in the version"


def test_where_no_image_is_to_judge_some_of_those_that_teach_do(tmp_path):
    folder = write(tmp_path, 6, splits=["train"] * 5 + ["test"])
    teaching, judging = sides(folder)
    assert teaching | judging == {f"p{seed}.tif" for seed in range(5)}
    assert judging
    assert not teaching & judging


def test_without_a_manifest_what_was_learnt_from_does_not_judge_when_images_are_added(tmp_path):
    learnt: set[str] = set()
    for count in (4, 7, 12, 20):
        teaching, judging = sides(write(tmp_path, count))
        assert not judging & (learnt | teaching)
        assert len(teaching | judging) == count
        learnt |= teaching


def test_an_image_to_judge_by_that_is_empty_tells_nothing_and_the_others_do(tmp_path):
    folder = write(tmp_path, 2, splits=["train", "val"])
    tifffile.imwrite(folder / "masks" / "p1.tif", np.zeros(SHAPE, np.uint8))
    teaching, judging = sides(folder)
    assert "p0.tif" in teaching & judging


def test_of_many_that_judge_a_few_do_and_the_others_do_not_teach(tmp_path):
    folder = write(tmp_path, 30, splits=["train"] * 5 + ["val"] * 25)
    teaching, judging = sides(folder)
    assert teaching == {f"p{seed}.tif" for seed in range(5)}
    assert 1 < len(judging) <= MOST_JUDGING
    assert len(WholeImages(DataSet.open(folder))) == len(teaching) + len(judging)


# What a folder is


def test_a_folder_is_opened_as_what_it_is(tmp_path):
    made_here = CorrectionSet.open(tmp_path / "set")
    image, labels = scene(0)
    made_here.add(mark(image, labels, source=Source(layer="p0"), mode="region", region=((0, 9), (0, 9))))
    assert isinstance(open_corrections(tmp_path / "set"), CorrectionSet)
    assert open_corrections(made_here) is made_here
    assert isinstance(open_corrections(tmp_path / "not yet"), CorrectionSet)
    other = write(tmp_path / "other", 2)
    assert isinstance(open_corrections(str(other)), WholeImages)
    assert open_corrections(DataSet.open(other)).sha256 == open_corrections(other).sha256


def test_the_version_changes_with_what_teaches_and_judges(tmp_path):
    versions = [open_corrections(write(tmp_path, 3)).sha256]
    assert open_corrections(tmp_path).sha256 == versions[0]
    write(tmp_path, 3, splits=["train", "train", "val"])
    versions.append(open_corrections(tmp_path).sha256)
    tifffile.imwrite(tmp_path / "masks" / "p0.tif", np.ones(SHAPE, np.uint8))
    versions.append(open_corrections(tmp_path).sha256)
    assert len(set(versions)) == 3


def test_they_can_be_added_to_a_set_and_stay_as_they_are(tmp_path):
    folder = write(tmp_path / "other", 4, ending="png", splits=["train", "val", "test", "train"])
    before = files(folder)
    kept = CorrectionSet.open(tmp_path / "set")
    assert kept.merge(open_corrections(folder)) == ["p0.tif", "p1.tif", "p3.tif"]
    assert kept.merge(open_corrections(folder)) == []
    assert files(folder) == before
    for name, correction in CorrectionSet.open(tmp_path / "set").corrections():
        image, labels = scene(int(name[1]))
        np.testing.assert_array_equal(correction.image, image)
        np.testing.assert_array_equal(correction.labels, labels)
        assert correction.counts.all()
        assert correction.record.source.file == str(folder / "images" / f"{name[:2]}.png")


def test_nothing_is_written_among_them(tmp_path):
    folder = write(tmp_path, 1)
    before = files(folder)
    with pytest.raises(DataSetError, match=r"were not marked here.*choose an empty or a new folder"):
        CorrectionSet.open(folder)
    assert files(folder) == before


# What is wrong


def test_images_and_masks_that_do_not_match_are_named(make_model, tmp_path):
    folder = write(tmp_path, 3)
    (folder / "masks" / "p1.tif").rename(folder / "masks" / "p1_mask.tif")
    with pytest.raises(DataSetError, match=r"without a file of the same name in masks/: p1\.tif; .*: p1_mask\.tif"):
        finetune(make_model(), folder, QUICK)
    shutil.rmtree(folder / "masks")
    with pytest.raises(DataSetError, match=r"there is no folder masks/; a data set has the folders images/ and masks/"):
        finetune(make_model(), folder, QUICK)


def test_a_mask_of_another_size_is_named(make_model, tmp_path):
    folder = write(tmp_path, 2)
    tifffile.imwrite(folder / "masks" / "p1.tif", np.ones((40, 50), np.uint8))
    with pytest.raises(DataSetError, match=r"p1\.tif has the shape 40 x 52 and .*p1\.tif has 40 x 50"):
        finetune(make_model(), folder, QUICK)


def test_a_mask_of_colours_is_named(make_model, tmp_path):
    folder = write(tmp_path, 1, ending="png")
    Image.fromarray(np.zeros((*SHAPE, 3), np.uint8)).save(folder / "masks" / "p0.png")
    with pytest.raises(ImageError, match=r"p0\.png.*3 colours or channels"):
        finetune(make_model(), folder, QUICK)


def test_stacks_go_by_way_of_a_set_of_corrections(make_model, tmp_path):
    folder = write(tmp_path, 1)
    for kind in ("images", "masks"):
        tifffile.imwrite(
            folder / kind / "p0.tif", np.ones((7, *SHAPE), np.uint8), imagej=True, metadata={"axes": "ZYX"}
        )
    with pytest.raises(DataSetError, match=r"p0\.tif is a stack or a volume.*napari-medt correct"):
        finetune(make_model(), folder, QUICK)


def test_volumes_teach_a_network_of_slices_each_slice_between_its_neighbours(make_model, tmp_path):
    folder, volumes = tmp_path, {}
    for kind in ("images", "masks"):
        (folder / kind).mkdir()
    for number in range(2):
        scenes = [scene(10 * number + depth) for depth in range(5)]
        volumes[f"p{number}.tif"] = image, labels = tuple(np.stack(arrays) for arrays in zip(*scenes, strict=True))
        for kind, array in (("images", image), ("masks", labels)):
            tifffile.imwrite(folder / kind / f"p{number}.tif", array, imagej=True, metadata={"axes": "ZYX"})
    (folder / "manifest.csv").write_text("file,split\np0.tif,train\np1.tif,val\n")
    found = learning_images(WholeImages(DataSet.open(folder)), header(channels=slice_channels(3)))
    for images, name in ((found.training, "p0.tif"), (found.validation, "p1.tif")):
        assert [one.name for one in images] == [f"{name}_z{depth}" for depth in range(5)]
        image, labels = volumes[name]
        for depth, one in enumerate(images):
            around = image[[max(depth - 1, 0), depth, min(depth + 1, 4)]] / 100
            np.testing.assert_allclose(one.image, around, atol=1e-3)
            np.testing.assert_array_equal(one.labels, labels[depth])
    classes = ("background", "a", "b")
    model = make_model(channels=slice_channels(3), classes=classes, intensity=Intensity(kind="window", low=0, high=100))
    learning = learner(model, folder, QUICK)
    told = [update.step for update in learning.steps()]
    assert told[-1] == QUICK.steps
    assert learning.result().sentence


def test_a_folder_of_test_images_alone_teaches_nothing(make_model, tmp_path):
    folder = write(tmp_path, 2, splits=["test", "val"])
    with pytest.raises(DataSetError, match=r"no image to the split train \(there are: test, val\)"):
        finetune(make_model(), folder, QUICK)


def test_empty_masks_are_a_sentence(make_model, tmp_path):
    folder = write(tmp_path, 2, change=np.zeros_like)
    with pytest.raises(UserError, match="only background is marked"):
        finetune(make_model(), folder, QUICK)
