"""Places are those that other programs have: SimpleITK, nibabel and highdicom, for every format and way to lie."""

import itertools

import highdicom
import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from src_models.files.volumes.dicom_labels.seg_writing import write_dicom_seg
from src_models.files.volumes.label_files import write_volume_labels
from src_models.files.volumes.opening import read_volume

SHAPE = (3, 4, 5)  # k, j, i
VALUES = np.arange(1, 61, dtype="uint16").reshape(SHAPE)  # each voxel has a value of its own
SPACING = np.array((0.5, 0.75, 2.5))
ORIGIN = np.array((12.5, -90.25, 40.0))
SIGNS = list(itertools.product((1, -1), repeat=3))
CLOSE = 1e-4  # mm
CORNERS = list(itertools.product((0, -1), repeat=3))


def turned(degrees):
    """A rotation about all three axes."""
    a, b, c = np.radians(degrees)
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return about_x @ about_y @ about_z


TILT = np.radians(12)
WAYS = {
    "straight": np.eye(3),
    "oblique": turned((9, -21, 14)),
    "sagittal": np.eye(3)[:, [1, 2, 0]],
    "tilted gantry": np.array([[1, 0, 0], [0, np.cos(TILT), 0], [0, np.sin(TILT), 1]]),
}
every_way = pytest.mark.parametrize("way", WAYS)
every_sign = pytest.mark.parametrize("signs", SIGNS, ids=lambda signs: "".join("-+"[one > 0] for one in signs))


def our_corners(volume):
    """The places (left, posterior, superior) of the values at the corners, by our affine."""
    data = np.asarray(volume.data)
    found = {}
    for corner in CORNERS:
        index = tuple(range(size)[end] for size, end in zip(data.shape, corner, strict=True))
        found[int(data[index])] = (volume.geometry.affine @ (*index, 1.0))[2::-1]
    return found


def check(volume, theirs):
    """Compare our corners with a program's array (slices first) and its function from (i, j, k) to a place."""
    array, place = theirs
    for value, ours in our_corners(volume).items():
        ((k, j, i),) = np.argwhere(array == value)
        np.testing.assert_allclose(ours, place((int(i), int(j), int(k))), atol=CLOSE, err_msg=f"value {value}")


def by_itk(image):
    return sitk.GetArrayFromImage(image), image.TransformIndexToPhysicalPoint


def by_affine(array, affine):
    """Of an affine from (i, j, k)."""
    return array, lambda index: (affine @ (*index, 1.0))[:3]


def to_lps(way, signs):
    affine = np.eye(4)
    affine[:3] = np.column_stack([WAYS[way] * signs * SPACING, ORIGIN])
    return affine


@pytest.fixture
def series(tmp_path, write_series):
    """Return a function that writes slices in a way, with names in no order."""

    def write(way, signs, folder="ct"):
        across, down, along = (WAYS[way] * signs).T
        paths = write_series(
            tmp_path / folder,
            VALUES,
            first=ORIGIN,
            step=along * SPACING[2],
            orientation=(*across, *down),
            spacing=(SPACING[1], SPACING[0]),
            rescaling=((1, 0),),
            StudyInstanceUID="1.2.3",
            FrameOfReferenceUID="1.2.4",
            PatientName="A^B",
            PatientID="1",
        )
        for path, name in zip(paths, "cab", strict=True):
            path.rename(path.with_name(f"{name}.dcm"))
        return tmp_path / folder

    return write


@every_way
@every_sign
def test_of_dicom_slices(series, way, signs):
    folder = series(way, signs)
    volume = read_volume(folder)
    corners = our_corners(volume)
    of_slices = {}
    for path in folder.iterdir():  # each by itself, for ITK keeps no shear
        array, place = by_itk(sitk.ReadImage(str(path)))
        of_slices |= {int(array[0, j, i]): place((i, j, 0)) for j in range(4) for i in range(5)}
    for value, ours in corners.items():
        np.testing.assert_allclose(ours, of_slices[value], atol=CLOSE)
    if way != "tilted gantry":
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
        check(volume, by_itk(reader.Execute()))


@every_way
@every_sign
def test_of_a_file_of_many_frames(tmp_path, write_frames, way, signs):
    across, down, along = (WAYS[way] * signs).T
    frames = [{"position": ORIGIN + number * SPACING[2] * along} for number in range(3)]
    told = {"orientation": (*across, *down), "spacing": SPACING[[1, 0]], "rescaling": (1, 0)}
    path = write_frames(tmp_path / "a.dcm", VALUES, frames, FrameOfReferenceUID="1.2.4", **told)
    volume = read_volume(path)
    check(volume, by_affine(VALUES, to_lps(way, signs)))
    if way != "tilted gantry":  # of which highdicom makes no volume
        theirs = highdicom.imread(path).get_volume()
        affine = theirs.affine[:, [2, 1, 0, 3]]
        check(volume, by_affine(theirs.array, affine))


@every_way
@every_sign
def test_of_nifti(tmp_path, way, signs):
    affine = np.diag([-1, -1, 1, 1]) @ to_lps(way, signs)
    nib.save(nib.Nifti1Image(VALUES.T, affine), tmp_path / "a.nii.gz")
    volume = read_volume(tmp_path / "a.nii.gz")
    check(volume, by_affine(VALUES, to_lps(way, signs)))
    if way != "tilted gantry":  # which ITK refuses
        check(volume, by_itk(sitk.ReadImage(str(tmp_path / "a.nii.gz"))))


@every_way
@every_sign
@pytest.mark.parametrize("suffix", [".mha", ".mhd", ".nrrd"])
def test_of_what_itk_wrote(tmp_path, way, signs, suffix):
    image = sitk.GetImageFromArray(VALUES)
    image.SetSpacing(SPACING.tolist())
    image.SetOrigin(ORIGIN.tolist())
    image.SetDirection((WAYS[way] * signs).ravel().tolist())
    sitk.WriteImage(image, str(tmp_path / f"a{suffix}"))
    volume = read_volume(tmp_path / f"a{suffix}")
    check(volume, by_itk(sitk.ReadImage(str(tmp_path / f"a{suffix}"))))
    check(volume, by_affine(VALUES, to_lps(way, signs)))


@every_way
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1)], ids=["+++", "-+-"])
def test_labels_that_we_write_lie_on_the_slices_in_other_programs(tmp_path, series, way, signs):
    volume = read_volume(series(way, signs))
    labels = np.asarray(volume.data) % 7
    wanted = by_affine(VALUES % 7, to_lps(way, signs))
    places = {tuple(np.round(wanted[1](index[::-1]), 3) + 0.0): VALUES[index] % 7 for index in np.ndindex(SHAPE)}

    def check_labels(array, place):
        found = {tuple(np.round(place(index[::-1]), 3) + 0.0): array[index] for index in np.ndindex(array.shape)}
        assert len(found) == len(places)
        keys = np.array(sorted(found)), np.array(sorted(places))
        np.testing.assert_allclose(*keys, atol=2e-3)
        assert [found[key] for key in sorted(found)] == [places[key] for key in sorted(places)]

    for suffix in (".nii.gz", ".mha", ".nrrd"):
        path = write_volume_labels(tmp_path / f"labels{suffix}", labels, volume.geometry)
        if suffix == ".nii.gz":
            image = nib.load(path)
            check_labels(np.asarray(image.dataobj).T, by_affine(None, np.diag([-1, -1, 1, 1]) @ image.affine)[1])
        if suffix != ".nii.gz" or way != "tilted gantry":
            check_labels(*by_itk(sitk.ReadImage(str(path))))
    if way != "tilted gantry":
        path = write_dicom_seg(tmp_path / "labels.dcm", labels, volume.geometry)
        theirs = highdicom.seg.segread(path).get_volume(combine_segments=True)
        check_labels(theirs.array, by_affine(None, theirs.affine[:, [2, 1, 0, 3]])[1])
