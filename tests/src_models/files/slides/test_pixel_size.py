"""How large a pixel of a slide is, by what its scanner wrote; and the slide as it opens."""

import dask.array as da
import numpy as np
import pytest
import tifffile
from slide_files import pyramid, tissue_slide, write_svs

from src_models.files.images import list_series, read_image
from src_models.files.series import lazy_tiff

PLAIN = {"photometric": "rgb", "metadata": None, "tile": (64, 64), "compression": "zlib"}


@pytest.fixture(scope="module")
def slide():
    return tissue_slide(500, 640, [(200, 200, 120)])[0]


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch):
    monkeypatch.setattr(lazy_tiff, "LAZY_BYTES", 100_000)


def test_an_svs_opens_lazily_at_every_level_with_its_microns(tmp_path, slide):
    image = read_image(write_svs(tmp_path / "case 7.svs", slide, size="0.2527"))
    assert image.name == "case 7"
    assert image.reading.spacing == {"Y": 0.2527, "X": 0.2527}
    assert image.reading.unit == "µm"
    assert image.reading.rgb
    levels = (image.data, *image.levels)
    assert all(isinstance(level, da.Array) for level in levels)
    for level, expected in zip(levels, (slide, *pyramid(slide, 4, 16)), strict=True):
        np.testing.assert_array_equal(np.asarray(level), expected)


def test_what_lies_beside_the_slide_has_no_size_of_its(tmp_path, slide):
    path = write_svs(tmp_path / "a.svs", slide)
    assert [one.name for one in list_series(path)] == ["Baseline", "Thumbnail", "Label", "Macro"]
    for name in ("Thumbnail", "Label", "Macro"):
        assert read_image(path, series=name).reading.unit == "pixel"


def test_it_is_what_another_reader_of_slides_has(tmp_path, slide):
    tiffslide = pytest.importorskip("tiffslide")
    path = write_svs(tmp_path / "a.svs", slide, size=0.503)
    image = read_image(path)
    with tiffslide.TiffSlide(path) as other:
        assert image.reading.spacing["X"] == other.properties["tiffslide.mpp-x"]
        sizes = [(level.shape[1], level.shape[0]) for level in (image.data, *image.levels)]
        assert sizes == list(other.level_dimensions)
        part = other.read_region((64, 32), 1, (50, 40), as_array=True)
        np.testing.assert_array_equal(np.asarray(image.levels[0][8:48, 16:66]), part)


@pytest.mark.parametrize(
    ("size", "expected", "unit"),
    [("0,25", 0.25, "µm"), ("4.99e-1", 0.499, "µm"), ("0", 1.0, "pixel"), ("1e9", 1.0, "pixel"), ("?", 1.0, "pixel")],
)
def test_a_size_that_can_be_none_is_not_known(tmp_path, slide, size, expected, unit):
    reading = read_image(write_svs(tmp_path / "a.svs", slide, size=size)).reading
    assert (reading.spacing, reading.unit) == ({"Y": expected, "X": expected}, unit)


def test_of_a_philips_slide_height_and_width_are_the_files_own(tmp_path, slide):
    sizes = ("&quot;0.000226891&quot; &quot;0.000226907&quot;", "&quot;0.000907564&quot; &quot;0.000907628&quot;")
    levels = "".join(
        '<DataObject ObjectType="PixelDataRepresentation"><Attribute Name="DICOM_PIXEL_SPACING" Group="0x0028" '
        f'PMSVR="IDoubleArray">{size}</Attribute></DataObject>'
        for size in sizes
    )
    told = f'<DataObject ObjectType="DPUfsImport"><Array>{levels}</Array></DataObject>'
    with tifffile.TiffWriter(tmp_path / "a.tiff") as tiff:
        tiff.write(slide, description=told, software="Philips DP v1.0", **PLAIN)
        tiff.write(pyramid(slide, 4)[0], software="Philips DP v1.0", **PLAIN)
    image = read_image(tmp_path / "a.tiff")
    assert image.reading.spacing == pytest.approx({"Y": 0.226891, "X": 0.226907})
    assert [level.shape for level in image.levels] == [(125, 160, 3)]


def test_of_a_ventana_slide_it_stands_with_its_first_page(tmp_path, slide):
    xml = b'<Metadata><iScan Magnification="40" ScanRes="0.2325" Z-layers="1"/></Metadata>'
    beside = {**PLAIN, "software": "ScanOutputManager 1.1"}
    with tifffile.TiffWriter(tmp_path / "a.bif", bigtiff=True) as tiff:
        tiff.write(slide[:64, :64], description="Label_Image", extratags=[(700, 1, len(xml), xml, True)], **beside)
        tiff.write(slide, description="level=0 mag=40 quality=90", **beside)
    found = read_image(tmp_path / "a.bif")
    assert found.reading.spacing == {"Y": 0.2325, "X": 0.2325}
    np.testing.assert_array_equal(np.asarray(found.data), slide)


def test_other_scanners_write_it_as_any_tiff_has_it(tmp_path, slide):
    centimetres = {"resolution": (1e4 / 0.23, 1e4 / 0.23), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(tmp_path / "a.scn", slide, **centimetres, **PLAIN)
    assert read_image(tmp_path / "a.scn").reading.spacing == pytest.approx({"Y": 0.23, "X": 0.23})
