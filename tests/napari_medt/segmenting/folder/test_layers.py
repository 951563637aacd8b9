"""What the viewer is given of an image: its data and its labels, each at its place."""

import nibabel
import numpy as np
import tifffile

from napari_medt.segmenting.folder.layers import read_layers
from src_models.files.image_list import OneImage, each_image
from src_models.prediction.batches.folder_run import ImageRow


def test_labels_lie_over_their_image(tmp_path):
    image = np.arange(60, dtype=np.uint16).reshape(6, 10)
    size = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25}
    tifffile.imwrite(tmp_path / "a.ome.tif", image, metadata={"axes": "YX", **size})
    tifffile.imwrite(tmp_path / "a_labels.ome.tif", (image > 30).astype(np.uint8), metadata={"axes": "YX", **size})
    layers = read_layers(ImageRow(OneImage(tmp_path / "a.ome.tif"), "done", labels=tmp_path / "a_labels.ome.tif"))
    assert [kind for _, _, kind in layers] == ["image", "labels"]
    np.testing.assert_array_equal(layers[0][0], image)
    np.testing.assert_array_equal(layers[1][0], image > 30)
    assert layers[0][1]["scale"] == layers[1][1]["scale"] == (0.25, 0.5)


def test_of_several_images_in_a_file_the_one_of_the_row_is_read(tmp_path):
    with tifffile.TiffWriter(tmp_path / "two.ome.tif", ome=True) as file:
        for value in (1, 2):
            file.write(np.full((4, 5), value, np.uint8), metadata={"axes": "YX"})
    second = each_image([tmp_path / "two.ome.tif"])[1]
    ((data, _, kind),) = read_layers(ImageRow(second))
    assert kind == "image"
    assert (np.asarray(data) == 2).all()


def test_a_scan_and_its_labels_are_at_their_place_in_the_patient(tmp_path):
    affine = np.diag([0.7, 0.8, 2.5, 1])
    for name in ("ct", "ct_labels"):
        nibabel.save(nibabel.Nifti1Image(np.ones((5, 6, 7), np.int16), affine), tmp_path / f"{name}.nii.gz")
    image, labels = read_layers(
        ImageRow(OneImage(tmp_path / "ct.nii.gz"), "done", labels=tmp_path / "ct_labels.nii.gz")
    )
    np.testing.assert_allclose(image[1]["scale"], (2.5, 0.8, 0.7))
    np.testing.assert_allclose(image[1]["scale"], labels[1]["scale"])
    np.testing.assert_allclose(image[1]["affine"], labels[1]["affine"])
