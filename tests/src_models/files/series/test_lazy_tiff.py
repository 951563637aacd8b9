"""Large tiled TIFFs: nothing is read before it is asked for, and what is read is the same."""

import numpy as np
import pytest
import tifffile

from src_models.errors import ImageError
from src_models.files.images import read_image, read_labels
from src_models.files.series import lazy_tiff
from src_models.models.checkpoint import load
from src_models.prediction.segment import segment

RANDOM = np.random.default_rng(0)
TILES = {"tile": (64, 64), "compression": "zlib"}


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch):
    """Take images of more than 100 kB for large."""
    monkeypatch.setattr(lazy_tiff, "LAZY_BYTES", 100_000)


def numbers(*shape, dtype="uint8"):
    return RANDOM.integers(0, 255, shape).astype(dtype)


def test_a_tiled_image_of_6144_px_is_lazy_as_it_is(tmp_path, monkeypatch):
    monkeypatch.undo()
    for name, size in (("big", 6144), ("small", 2048)):
        tiles = (bytes(0) for _ in range((size // 512) ** 2))  # none of them stored: zeros
        tifffile.imwrite(
            tmp_path / f"{name}.tif", tiles, shape=(size, size), dtype="uint8", tile=(512, 512), compression="zlib"
        )
    assert not isinstance(read_image(tmp_path / "big.tif").data, np.ndarray)
    assert isinstance(read_image(tmp_path / "small.tif").data, np.ndarray)


@pytest.mark.parametrize("dtype", ["uint8", ">u2", "float32"])
@pytest.mark.parametrize("kind", ["grey", "colours", "colour planes", "stack", "bigtiff"])
def test_values_are_those_of_the_whole_file(tmp_path, kind, dtype):
    data = numbers(500, 300, dtype=dtype) if kind in ("grey", "bigtiff") else numbers(3, 500, 300, dtype=dtype)
    how = {"photometric": "minisblack"} if kind == "stack" else {}
    if kind.startswith("colour"):
        how = {"photometric": "rgb", "planarconfig": "separate" if kind == "colour planes" else "contig"}
        data = np.moveaxis(data, 0, -1) if kind == "colours" else data
    order = ">" if dtype.startswith(">") else "<"
    tifffile.imwrite(tmp_path / "a.tif", data, byteorder=order, bigtiff=kind == "bigtiff", **TILES, **how)
    image = read_image(tmp_path / "a.tif")
    assert not isinstance(image.data, np.ndarray)
    assert image.data.dtype.isnative
    expected = np.moveaxis(data, 0, -1) if kind == "colour planes" else data
    assert image.reading.axes == {"grey": "YX", "bigtiff": "YX", "stack": "ZYX"}.get(kind, "YXC")
    np.testing.assert_array_equal(np.asarray(image.data), expected)
    part = (slice(100, 170), slice(60, 70), slice(0, 2))[: expected.ndim]
    part = (slice(1, 2), *part[:2]) if kind == "stack" else part
    np.testing.assert_array_equal(np.asarray(image.data[part]), expected[part])


def test_only_tiles_that_are_asked_for_are_read(tmp_path, monkeypatch):
    data = numbers(2048, 2048)
    tifffile.imwrite(tmp_path / "a.tif", data, tile=(512, 512))
    read = []
    monkeypatch.setattr(
        lazy_tiff._Tiles,
        "__getitem__",
        lambda self, region, inner=lazy_tiff._Tiles.__getitem__: read.append(region) or inner(self, region),
    )
    image = read_image(tmp_path / "a.tif")
    assert not read
    np.testing.assert_array_equal(np.asarray(image.data[1500:1600, 10:20]), data[1500:1600, 10:20])
    assert read == [(slice(1500, 1600, None), slice(10, 20, None))]


def test_levels_come_finest_first(tmp_path):
    data = numbers(512, 512)
    with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=True) as tiff:
        tiff.write(data, subifds=2, metadata={"axes": "YX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}, **TILES)
        tiff.write(data[::2, ::2], subfiletype=1, **TILES)
        tiff.write(data[::4, ::4], subfiletype=1, **TILES)
    image = read_image(tmp_path / "a.ome.tif")
    assert image.reading.spacing == {"Y": 0.5, "X": 0.5}
    for step, level in zip((1, 2, 4), (image.data, *image.levels), strict=True):
        np.testing.assert_array_equal(np.asarray(level), data[::step, ::step])


def test_a_position_of_several_is_lazy_too(tmp_path):
    data = numbers(2, 3, 300, 200)
    tifffile.imwrite(tmp_path / "a.tif", data, metadata={"axes": "ZRYX"}, **TILES)
    image = read_image(tmp_path / "a.tif", series=1)
    assert not isinstance(image.data, np.ndarray)
    np.testing.assert_array_equal(np.asarray(image.data), data[:, 1])
    np.testing.assert_array_equal(np.asarray(image.data[1, 250:, 100:]), data[1, 1, 250:, 100:])


def test_predictions_are_equal(tmp_path, tiny_model_path, monkeypatch):
    yy, xx = np.mgrid[:400, :400]
    data = (20 + 180 * (np.hypot(yy % 50 - 25, xx % 50 - 25) < 9)).astype("uint8")
    tifffile.imwrite(tmp_path / "a.tif", data, **TILES)
    model = load(tiny_model_path)
    lazy = read_image(tmp_path / "a.tif")
    assert not isinstance(lazy.data, np.ndarray)
    monkeypatch.undo()
    whole = read_image(tmp_path / "a.tif")
    assert isinstance(whole.data, np.ndarray)
    one, other = (segment(image.data, model, axes=image.reading, device="cpu").labels for image in (lazy, whole))
    assert one.max() > 40
    np.testing.assert_array_equal(one, other)


def test_labels_are_read_whole(tmp_path):
    data = numbers(500, 300)
    tifffile.imwrite(tmp_path / "a.tif", data, **TILES)
    assert isinstance(read_labels(tmp_path / "a.tif"), np.ndarray)


def test_a_file_that_was_cut_short_is_refused_when_it_is_opened(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", numbers(500, 300), **TILES)
    content = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(content[:-1000])
    with pytest.raises(ImageError, match=r"a\.tif: the TIFF is truncated or damaged"):
        read_image(tmp_path / "a.tif")


def test_a_damaged_tile_is_an_error_about_the_file_when_it_is_read(tmp_path):
    data = numbers(1100, 300)
    tifffile.imwrite(tmp_path / "a.tif", data, **TILES)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        place = tiff.pages.first.dataoffsets[-1]
    content = bytearray((tmp_path / "a.tif").read_bytes())
    content[place : place + 40] = bytes(40)
    (tmp_path / "a.tif").write_bytes(content)
    image = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(np.asarray(image.data[:900]), data[:900])
    with pytest.raises(ImageError, match=r"a\.tif: a tile cannot be read"):
        np.asarray(image.data)
