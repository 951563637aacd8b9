"""MetaImage files, as SimpleITK writes them: values, types, time, and what is refused."""

import dask.array as da
import numpy as np
import pytest
import SimpleITK as sitk

from src_models.errors import ImageError
from src_models.files.images import image_stem, read_image
from src_models.files.volumes.itk.metaimage import is_metaimage, read_metaimage
from src_models.files.volumes.opening import is_volume

VALUES = np.arange(60, dtype="int16").reshape(3, 4, 5) - 30


def write(path, values=VALUES, *, packed=False, **fields):
    image = values if isinstance(values, sitk.Image) else sitk.GetImageFromArray(values)
    image.SetSpacing([0.5, 0.75, 2.5, 1.5][: image.GetDimension()])
    for name, value in fields.items():
        image.SetMetaData(name, value)
    sitk.WriteImage(image, str(path.with_name(path.name.lower())), useCompression=packed)
    return path.with_name(path.name.lower()).rename(path)


@pytest.mark.parametrize("name", ["a.mha", "a.mhd", "A.MHA"])
@pytest.mark.parametrize("packed", [False, True])
def test_values_are_those_that_were_written(tmp_path, name, packed):
    path = write(tmp_path / name, packed=packed)
    assert is_volume(path)
    file = read_image(path)
    np.testing.assert_array_equal(np.asarray(file.data), VALUES)
    assert (file.data.dtype, file.reading.value_unit) == (np.int16, "")
    assert file.reading.describe() == "Z=3, Y=4, X=5, 1 channel, 2.5 x 0.75 x 0.5 mm"
    assert image_stem(path) == path.stem


def test_a_plane_is_read_when_it_is_looked_at(tmp_path):
    path = write(tmp_path / "a.mha")
    volume = read_metaimage(path)
    assert isinstance(volume.data, da.Array)
    assert volume.data.chunks == ((1, 1, 1), (4,), (5,))
    content = path.read_bytes()
    path.write_bytes(content[:-20])  # of the last plane
    np.testing.assert_array_equal(np.asarray(volume.data[1]), VALUES[1])
    with pytest.raises(ImageError, match=r"a\.mha: the MetaImage is cut off or damaged"):
        np.asarray(volume.data[2])
    path.unlink()
    with pytest.raises(ImageError, match=r"a\.mha: there is no such file"):
        np.asarray(volume.data[0])


@pytest.mark.parametrize("packed", [False, True])
def test_a_fourth_axis_is_time(tmp_path, packed):
    series = sitk.JoinSeries([sitk.GetImageFromArray(VALUES + 100 * time) for time in range(2)])
    volume = read_metaimage(write(tmp_path / "a.mha", series, packed=packed))
    assert (volume.reading.axes, volume.frame_seconds) == ("TZYX", 1.5)
    np.testing.assert_array_equal(np.asarray(volume.data), [VALUES, VALUES + 100])


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"])
def test_every_type_of_number_is_kept(tmp_path, dtype):
    values = np.abs(VALUES).astype(dtype)
    data = read_metaimage(write(tmp_path / "a.mha", values)).data
    assert data.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(np.asarray(data), values)


def test_what_made_the_image_is_taken_from_the_header(tmp_path):
    path = write(tmp_path / "a.mha")
    content = path.read_bytes()
    assert read_metaimage(path).modality is None
    path.write_bytes(content.replace(b"ElementType", b"Modality = MET_MOD_CT\nElementType"))
    volume = read_metaimage(path)
    assert (volume.modality, volume.reading.value_unit) == ("CT", "HU")


def colours(path):
    write(path, sitk.GetImageFromArray(np.zeros((3, 4, 5, 3), "uint8"), isVector=True))


def flat(path):
    write(path, np.zeros((4, 5), "uint8"))


def nothing(path):
    path.write_text("this is a text")


def cut_packed(path):
    write(path, np.random.default_rng(0).integers(0, 9999, (9, 20, 20)).astype("int16"), packed=True)
    path.write_bytes(path.read_bytes()[:-400])


def gone(path):
    pass


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (colours, "its voxels hold colours or vectors"),
        (flat, "it has 2 axes, and a scan has three"),
        (nothing, "the MetaImage is cut off or damaged"),
        (cut_packed, "the MetaImage is cut off or damaged"),
        (gone, "there is no such file"),
    ],
)
def test_what_is_no_scan_is_refused_by_its_file(tmp_path, make, words):
    make(tmp_path / "a.mha")
    with pytest.raises(ImageError, match=words) as told:
        np.asarray(read_metaimage(tmp_path / "a.mha").data)
    assert str(told.value).startswith(str(tmp_path / "a.mha"))


def test_a_header_without_its_values_is_refused(tmp_path):
    write(tmp_path / "a.mhd")
    (tmp_path / "a.raw").unlink()
    with pytest.raises(ImageError, match=r"a\.mhd: .* or its values are not beside it"):
        np.asarray(read_metaimage(tmp_path / "a.mhd").data)


def test_the_name_tells_a_metaimage():
    assert [is_metaimage(name) for name in ("a.mha", "A.MHD", "a.nrrd", "mha")] == [True, True, False, False]
