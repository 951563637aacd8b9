"""NRRD files are read as SimpleITK reads them, voxel by voxel, and where it refuses or is silent, by the formula."""

import bz2
import gzip
import itertools

import numpy as np
import pytest
import SimpleITK as sitk

from src_models.errors import ImageError
from src_models.files.images import list_series, read_image, read_labels
from src_models.files.volumes.nrrd import is_nrrd, lps_to_world, named_values, read_nrrd, world_to_lps

SHAPE = (4, 5, 6)  # k, j, i
VALUES = np.arange(-60, 60, dtype="int16").reshape(SHAPE)  # each voxel has a value of its own
SPACING = (0.5, 0.75, 2.5)
ORIGIN = (12.5, -90.25, 40.0)
SIGNS = list(itertools.product((1, -1), repeat=3))


def turned(degrees):
    """A rotation about all three axes."""
    a, b, c = np.radians(degrees)
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return about_x @ about_y @ about_z


DIRECTIONS = {
    "straight": np.eye(3),
    "oblique": turned((9, -21, 14)),
    "sagittal": np.eye(3)[:, [1, 2, 0]],
    "sheared": np.array([[1, 0, 0], [0, 1, np.sin(0.3)], [0, 0, np.cos(0.3)]]),
}


def text(lines, ending="\n"):
    return (ending.join(["NRRD0004", *lines]) + ending * 2).encode()


def vectors(matrix):
    return " ".join("(" + ",".join(repr(float(one)) for one in column) + ")" for column in np.asarray(matrix).T)


def fields(directions=None, *, space="left-posterior-superior", kind="int16", encoding="raw", sizes="6 5 4", **others):
    """Lines of a header, which tests change."""
    lines = {
        "type": kind,
        "dimension": str(len(sizes.split())),
        "space": space,
        "sizes": sizes,
        "space directions": vectors(np.diag(SPACING) if directions is None else directions),
        "kinds": " ".join(["domain"] * len(sizes.split())),
        "endian": "little",
        "encoding": encoding,
        "space origin": "(" + ",".join(map(str, ORIGIN)) + ")",
    } | {name.replace("_", " "): value for name, value in others.items()}
    return [f"{name}: {value}" for name, value in lines.items() if value is not None]


def places_by_itk(path):
    """The place (left, posterior, superior) of each value, as SimpleITK tells."""
    image = sitk.ReadImage(str(path))
    return {
        int(image[index]): image.TransformIndexToPhysicalPoint(index)
        for index in itertools.product(*(range(size) for size in image.GetSize()))
    }


def places(volume):
    """The place (left, posterior, superior) of each value, by our affine."""
    data = np.asarray(volume.data)
    return {
        int(data[index]): (volume.geometry.affine @ (*index, 1.0))[2::-1]
        for index in itertools.product(*(range(size) for size in data.shape))
    }


def check_alike(found, wanted):
    assert found.keys() == wanted.keys()
    for value, place in wanted.items():
        np.testing.assert_allclose(found[value], place, atol=1e-9, err_msg=f"value {value}")


@pytest.mark.parametrize("name", DIRECTIONS)
@pytest.mark.parametrize("signs", SIGNS)
def test_every_voxel_is_where_simpleitk_has_it(tmp_path, signs, name):
    image = sitk.GetImageFromArray(VALUES)
    image.SetSpacing(SPACING)
    image.SetOrigin(ORIGIN)
    image.SetDirection((DIRECTIONS[name] * signs).ravel().tolist())
    sitk.WriteImage(image, str(tmp_path / "a.nrrd"), useCompression=signs[0] > 0)
    volume = read_nrrd(tmp_path / "a.nrrd")
    assert volume.data.dtype == np.int16
    check_alike(places(volume), places_by_itk(tmp_path / "a.nrrd"))
    formula = np.eye(4)
    formula[:3] = np.column_stack([DIRECTIONS[name] * signs * SPACING, ORIGIN])
    check_alike(
        places(volume),
        {int(VALUES[k, j, i]): (formula @ (i, j, k, 1))[:3] for k, j, i in itertools.product(*map(range, SHAPE))},
    )
    np.testing.assert_allclose(world_to_lps(volume.geometry.grid_affine), formula, atol=1e-12)
    np.testing.assert_allclose(lps_to_world(formula), volume.geometry.grid_affine, atol=1e-12)


@pytest.mark.parametrize(
    "space",
    [
        "left-posterior-superior",
        "LPS",
        "right-anterior-superior",
        "RAS",
        "left-anterior-superior",
        "LAS",
        "scanner-xyz",
    ],
)
def test_every_system_of_coordinates_is_that_of_simpleitk(tmp_path, space):
    path = tmp_path / "a.nrrd"
    path.write_bytes(text(fields(turned((5, 12, -30)) * SPACING, space=space)) + VALUES.tobytes())
    volume = read_nrrd(path)
    check_alike(places(volume), places_by_itk(path))
    assert volume.geometry.known == (space != "scanner-xyz")


def test_without_a_system_of_coordinates_the_size_of_the_voxels_is_known(tmp_path):
    path = tmp_path / "a.nrrd"
    lines = fields(space=None, space_directions=None, space_origin=None, spacings="0.5 0.75 2.5")
    path.write_bytes(text(lines) + VALUES.tobytes())
    volume = read_nrrd(path)
    check_alike(places(volume), places_by_itk(path))
    assert not volume.geometry.known
    assert volume.geometry.spacing == (2.5, 0.75, 0.5)


def test_lengths_come_in_the_unit_that_the_file_names(tmp_path):
    lines = fields(np.diag((5e-4, 7.5e-4, 2.5e-3)), space_units='"m" "m" "m"', space_origin="(0.01,0,0)")
    (tmp_path / "a.nrrd").write_bytes(text(lines) + VALUES.tobytes())
    geometry = read_nrrd(tmp_path / "a.nrrd").geometry
    np.testing.assert_allclose(geometry.spacing, (2.5, 0.75, 0.5))
    np.testing.assert_allclose(geometry.affine[:3, 3], (0, 0, 10))


PACKED = {
    "raw": VALUES.tobytes(),
    "gzip": gzip.compress(VALUES.tobytes()),
    "gz": gzip.compress(VALUES.tobytes()),
    "bzip2": bz2.compress(VALUES.tobytes()),
    "ascii": " ".join(map(str, VALUES.ravel())).encode(),
}


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize("detached", [False, True])
def test_values_come_out_of_every_packing_and_of_a_file_beside_the_header(tmp_path, encoding, detached):
    path = tmp_path / ("a.nhdr" if detached else "a.nrrd")
    lines = fields(encoding=encoding)
    if detached:
        (tmp_path / "a.raw").write_bytes(PACKED[encoding])
        path.write_bytes(text([*lines, "data file: a.raw"], "\r\n"))
    else:
        path.write_bytes(text(lines) + PACKED[encoding])
    volume = read_nrrd(path)
    np.testing.assert_array_equal(volume.data, VALUES)
    if encoding != "bzip2":  # which ITK leaves out of its NRRD
        np.testing.assert_array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(path))), VALUES)
    assert isinstance(volume.data, np.ndarray) != (encoding == "raw")


@pytest.mark.parametrize(("skip", "before"), [({"byte_skip": "7"}, b"1234567"), ({"byte_skip": "-1"}, b"anything")])
def test_what_stands_before_raw_values_is_skipped(tmp_path, skip, before):
    (tmp_path / "a.img").write_bytes(before + VALUES.astype(">i2").tobytes())
    (tmp_path / "a.nhdr").write_bytes(text([*fields(endian="big", **skip), "datafile: a.img"]))
    volume = read_nrrd(tmp_path / "a.nhdr")
    np.testing.assert_array_equal(volume.data, VALUES)
    assert volume.data.dtype == np.dtype("int16")


def test_lines_before_values_are_skipped_before_they_are_unpacked(tmp_path):
    (tmp_path / "a.img").write_bytes(b"one\ntwo\n" + gzip.compress(b"abc" + VALUES.tobytes()))
    (tmp_path / "a.nhdr").write_bytes(
        text([*fields(encoding="gzip", line_skip="2", byte_skip="3"), "data file: a.img"])
    )
    np.testing.assert_array_equal(read_nrrd(tmp_path / "a.nhdr").data, VALUES)


@pytest.mark.parametrize("kind", ["int8", "uchar", "unsigned short", "int", "uint32", "float", "double"])
def test_values_keep_their_type(tmp_path, kind):
    dtype = {"uchar": "uint8", "unsigned short": "uint16", "int": "int32", "float": "float32", "double": "float64"}
    values = np.arange(120).reshape(SHAPE).astype(dtype.get(kind, kind))
    (tmp_path / "a.nrrd").write_bytes(text(fields(kind=kind)) + values.tobytes())
    volume = read_nrrd(tmp_path / "a.nrrd")
    assert volume.data.dtype == values.dtype
    np.testing.assert_array_equal(volume.data, values)


def test_time_may_be_the_slowest_axis_or_the_fastest(tmp_path):
    film = np.arange(240, dtype="int16").reshape(2, *SHAPE)
    space = vectors(np.diag(SPACING))
    last = fields(
        sizes="6 5 4 2", space_directions=f"{space} none", kinds="domain domain domain list",
        spacings="NaN NaN NaN 40", units='"mm" "mm" "mm" "ms"',
    )  # fmt: skip
    first = fields(sizes="2 6 5 4", space_directions=f"none {space}", kinds="list domain domain domain")
    (tmp_path / "last.nrrd").write_bytes(text(last) + film.tobytes())
    (tmp_path / "first.nrrd").write_bytes(text(first) + np.moveaxis(film, 0, -1).tobytes())
    for name in ("last", "first"):
        volume = read_nrrd(tmp_path / f"{name}.nrrd")
        assert volume.reading.axes == "TZYX"
        np.testing.assert_array_equal(volume.data, film)
        assert volume.frame_seconds == (0.04 if name == "last" else 1.0)


def test_one_slice_is_a_scan_of_one_slice(tmp_path):
    directions = turned((20, 0, 0))[:, :2] * SPACING[:2]
    (tmp_path / "a.nrrd").write_bytes(text(fields(directions, sizes="6 5")) + VALUES[0].tobytes())
    volume = read_nrrd(tmp_path / "a.nrrd")
    assert volume.data.shape == (1, 5, 6)
    lps = world_to_lps(volume.geometry.grid_affine)
    np.testing.assert_allclose(lps[:3, 2], turned((20, 0, 0))[:, 2], atol=1e-12)


BAD = {
    "no-nrrd": (b"P5 3 3", "its content is no NRRD"),
    "empty": (b"", r"the file is empty \(0 bytes\)"),
    "new": (b"NRRD0009\n", "its content is no NRRD"),
    "cut": (text(fields()) + VALUES.tobytes()[:-1], "the file is cut off"),
    "cut-gzip": (text(fields(encoding="gzip")) + PACKED["gzip"][:-20], "cut off"),
    "few-in-gzip": (text(fields(encoding="gzip")) + gzip.compress(b"few"), r"cut off \(3 bytes of values"),
    "no-gzip": (text(fields(encoding="gzip")) + VALUES.tobytes(), "cut off or damaged"),
    "hex": (text(fields(encoding="hex")), r"in a way that is not read \(hex\)"),
    "block": (text(fields(kind="block")), r"a type that is not read \(block\)"),
    "no-sizes": (text(fields(sizes="6 0 4")), "does not tell its size"),
    "no-endian": (text(fields(endian=None)), "the order of bytes"),
    "colours": (text(fields(sizes="3 6 5", kinds="RGB-color domain domain")), "its voxels are colours"),
    "vectors": (text(fields(sizes="3 6 5 4", kinds="vector domain domain domain")), "its voxels are vectors"),
    "many": (text(fields(space_directions=None, sizes="2 2 2 2 2")), "it has 5 axes"),
    "flat": (text(fields(np.diag([1.0, 0.0, 1.0]))) + VALUES.tobytes(), "its affine is flat"),
    "line": (text(["kind of file"]), "a line of its header is none of NRRD"),
    "elsewhere": (text([*fields(), "data file: ../secret.raw"]), "in another folder"),
    "absolute": (text([*fields(), "data file: /etc/passwd"]), "in another folder"),
    "gone": (text([*fields(), "data file: gone.raw"]), "is not beside it"),
    "list": (text([*fields(), "data file: LIST"]), "spread over several files"),
    "skip": (text(fields(byte_skip="x")), r"its header is damaged \(byteskip\)"),
    "text": (text(fields(encoding="ascii")) + b"1 2 3", "cut off or damaged"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_refused_with_a_sentence(tmp_path, name):
    content, says = BAD[name]
    path = tmp_path / "a.nrrd"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=f"^{path}: .*{says}"):
        read_nrrd(path)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(ImageError, match="there is no such file"):
        read_nrrd(tmp_path / "a.nrrd")


def test_names_tell(tmp_path):
    assert [is_nrrd(name) for name in ("a.nrrd", "A.NHDR", "a.seg.nrrd", "a.nii.gz", "nrrd")] == [1, 1, 1, 0, 0]
    (tmp_path / "a.nrrd").write_bytes(text(fields()) + VALUES.tobytes())
    assert read_image(tmp_path / "a.nrrd").reading.describe() == "Z=4, Y=5, X=6, 1 channel, 2.5 x 0.75 x 0.5 mm"
    assert [one.name for one in list_series(tmp_path / "a.nrrd")] == ["a.nrrd"]


def segmentation(layers, values, names, path):
    """Write what 3D Slicer writes: `layers` (layer, k, j, i), and for each segment its layer and number."""
    pairs = []
    for number, ((layer, value), name) in enumerate(zip(values, names, strict=True)):
        start = f"Segment{number}_"
        pairs += [f"{start}ID:={name}-id", f"{start}Name:={name}", f"{start}Layer:={layer}"]
        pairs += [f"{start}LabelValue:={value}", f"{start}Color:=0.5 0.25 1"]
    if len(layers) == 1:
        lines, content = fields(kind="uint8"), layers[0].tobytes()
    else:
        space = vectors(np.diag(SPACING))
        lines = fields(
            kind="uint8",
            sizes=f"{len(layers)} 6 5 4",
            space_directions=f"none {space}",
            kinds="list domain domain domain",
        )
        content = np.moveaxis(layers, 0, -1).tobytes()
    path.write_bytes(text([*lines, *pairs]) + content)


def test_a_segmentation_of_slicer_has_names_and_colours(tmp_path):
    layers = np.random.default_rng(0).integers(0, 4, (1, *SHAPE)).astype("uint8")
    segmentation(layers, [(0, 1), (0, 3)], ["Gefäß", "liver"], tmp_path / "a.seg.nrrd")
    volume = read_nrrd(tmp_path / "a.seg.nrrd")
    assert volume.labels
    assert [(one.value, one.name, one.colour) for one in volume.segments] == [
        (1, "Gefäß", (0.5, 0.25, 1.0)),
        (3, "liver", (0.5, 0.25, 1.0)),
    ]
    np.testing.assert_array_equal(read_labels(tmp_path / "a.seg.nrrd"), layers[0])


def test_overlapping_segments_are_laid_one_over_the_other_and_that_is_said(tmp_path):
    layers = np.zeros((2, *SHAPE), "uint8")
    layers[0, 0], layers[0, 1], layers[1, 1:3] = 1, 2, 1
    segmentation(layers, [(0, 1), (0, 2), (1, 1)], ["a", "b", "c"], tmp_path / "a.seg.nrrd")
    volume = read_nrrd(tmp_path / "a.seg.nrrd")
    assert [(one.value, one.name) for one in volume.segments] == [(1, "a"), (2, "b"), (3, "c")]
    assert [np.unique(plane).tolist() for plane in np.asarray(volume.data)] == [[1], [3], [3], [0]]
    assert volume.notes == ("Its segments overlap; 30 voxels that two of them share went to the later one.",)


@pytest.mark.parametrize(
    ("count", "values", "named"),
    [
        (1, [(0, 3), (0, 1)], {3: "a", 1: "b"}),
        (1, [(0, 2), (0, 2)], {1: "a", 2: "b"}),
        (2, [(0, 3), (1, 7)], {1: "a", 2: "b"}),
    ],
)
def test_names_are_told_of_the_numbers_that_are_read(tmp_path, count, values, named):
    layers = np.zeros((count, *SHAPE), "uint8")
    segmentation(layers, values, ["a", "b"], tmp_path / "a.seg.nrrd")
    with (tmp_path / "a.seg.nrrd").open("rb") as file:
        assert named_values(file) == named
    assert {one.value: one.name for one in read_nrrd(tmp_path / "a.seg.nrrd").segments} == named


def test_layers_without_a_word_of_what_is_in_them_are_refused(tmp_path):
    layers = np.zeros((2, *SHAPE), "uint8")
    segmentation(layers, [], [], tmp_path / "a.seg.nrrd")
    with pytest.raises(ImageError, match="several layers"):
        read_nrrd(tmp_path / "a.seg.nrrd")
