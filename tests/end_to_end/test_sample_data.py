"""The sample images: their labels fit, and each one's source and licence are told."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

NAMES = ("brightfield", "fluorescence", "histology")
CT = ("abdomen_ct.nii.gz", "abdomen_ct_labels.seg.nrrd")
ORGANS = {1: 5, 2: 1, 3: 6, 4: 52}  # liver, spleen, stomach, aorta, by their numbers in the source


@pytest.fixture
def folder(repository: Path) -> Path:
    return repository / "sample_data"


def test_every_file_has_its_source_and_licence_told(folder: Path) -> None:
    images = {path.name for path in folder.iterdir() if path.name != "README.md"}
    assert images == {f"{name}{end}.png" for name in NAMES for end in ("", "_labels")} | set(CT)
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert "CC0 1.0" in text
    assert "Apache License 2.0" in text
    assert "A model drew the labels" in text
    assert [name for name in images if f"`{name}`" not in text] == []


def test_the_samples_are_small(folder: Path) -> None:
    assert sum(path.stat().st_size for path in folder.iterdir()) < 900_000


@pytest.mark.parametrize(
    ("name", "shape", "nuclei"),
    [("brightfield", (384, 384), 18), ("fluorescence", (520, 696), 138), ("histology", (256, 320, 3), 112)],
)
def test_labels_fit_their_image(folder: Path, name: str, shape: tuple[int, ...], nuclei: int) -> None:
    image, labels = iio.imread(folder / f"{name}.png"), iio.imread(folder / f"{name}_labels.png")
    assert image.shape == shape
    assert image.dtype == np.uint8
    assert labels.shape == shape[:2]
    assert labels.dtype == np.uint16
    assert np.array_equal(np.unique(labels), np.arange(nuclei + 1))
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert f"| {shape[0]} x {shape[1]} | {nuclei} |" in text


def test_labels_lie_on_the_nuclei(folder: Path) -> None:
    # Stain is bright in fluorescence and dark in transmitted light: a shifted or wrong label image loses this contrast.
    for name, sign in (("fluorescence", 1), ("histology", -1), ("brightfield", -1)):
        image = iio.imread(folder / f"{name}.png").astype(float)
        grey = image.mean(axis=-1) if image.ndim == 3 else image
        inside = iio.imread(folder / f"{name}_labels.png") > 0
        contrast = sign * (np.median(grey[inside]) - np.median(grey[~inside]))
        assert contrast > 0.5 * grey[~inside].std(), name


def test_the_ct_opens_at_its_place_in_the_window_of_soft_tissue_with_named_organs() -> None:
    from napari_medt.files.samples import abdomen_ct
    from napari_medt.viewer.layer_notes import LayerNotes

    (image, seen, kind), (labels, organs, other) = abdomen_ct()
    assert (kind, other) == ("image", "labels")
    assert seen["contrast_limits"] == (-150, 250)
    np.testing.assert_allclose(seen["scale"], (2, 1.953125, 1.953125))
    for told in ("scale", "affine"):
        np.testing.assert_array_equal(seen[told], organs[told])
    assert LayerNotes.read(seen["metadata"]).volume is not None
    named = dict(zip(organs["features"]["index"], organs["features"]["name"], strict=True))
    assert named == {1: "liver", 2: "spleen", 3: "stomach", 4: "aorta"}
    # Radiology's ranges: soft tissue in the organs, and the aorta of this CT is enhanced by contrast medium.
    image = np.asarray(image)
    medians = {name: float(np.median(image[labels == number])) for number, name in named.items()}
    assert 40 < medians["liver"] < 150
    assert 40 < medians["spleen"] < 150
    assert medians["aorta"] > 80


def test_the_ct_is_that_of_its_source_voxel_by_voxel(folder: Path, shared: Path) -> None:
    """By SimpleITK: each voxel of the sample lies between the four of the source that it is the mean of."""
    import SimpleITK as sitk

    sample, drawn = (sitk.ReadImage(str(folder / name)) for name in CT)
    of = shared / "data" / "ct_totalseg"
    source, masks = (sitk.ReadImage(str(of / part / "abdomen_512.nii.gz")) for part in ("images", "masks"))
    values, numbers = sitk.GetArrayFromImage(source), sitk.GetArrayFromImage(masks)
    mine, organs = sitk.GetArrayFromImage(sample), sitk.GetArrayFromImage(drawn)
    for end in ((0, 0, 0), (219, 137, 11)):
        place = source.TransformPhysicalPointToContinuousIndex(sample.TransformContinuousIndexToPhysicalPoint(end))
        np.testing.assert_allclose(place, [2 * end[0] + 0.5, 84 + 2 * end[1] + 0.5, 4 + end[2]], atol=1e-3)
        lies = drawn.TransformContinuousIndexToPhysicalPoint(
            drawn.TransformPhysicalPointToContinuousIndex(sample.TransformContinuousIndexToPhysicalPoint(end))
        )
        np.testing.assert_allclose(lies, sample.TransformContinuousIndexToPhysicalPoint(end), atol=1e-3)
    assert drawn.GetSize() == sample.GetSize()
    part = values[4:16, 84:360, :440].astype(float)
    mean = (part[:, ::2, ::2] + part[:, 1::2, ::2] + part[:, ::2, 1::2] + part[:, 1::2, 1::2]) / 4
    assert np.abs(mine - mean).max() <= 0.5
    for number, theirs in ORGANS.items():
        inside = numbers[4:16, 84:360, :440] == theirs
        count = sum(inside[:, row::2, column::2].astype(int) for row in (0, 1) for column in (0, 1))
        assert (count[organs == number] >= 2).all()
        assert (organs[count >= 3] == number).all()
