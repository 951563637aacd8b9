"""PNG and JPEG of every depth: images keep their bits, and masks their numbers."""

import struct
import zlib

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from src_models.errors import ImageError
from src_models.files.images import read_image, read_labels
from src_models.files.pixels.png_jpeg import read_pixels

RANDOM = np.random.default_rng(0)


def png(samples, bits, colour_type, *chunks):
    """Write a PNG by hand, as its specification (W3C, third edition) has it; chunks go before the pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = samples.reshape(len(samples), -1)
    flat = np.unpackbits(rows.astype(">u2").view(np.uint8).reshape(*rows.shape, 2), axis=-1)[..., 16 - bits :]
    packed = np.packbits(flat.reshape(len(rows), -1), axis=-1)
    head = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], bits, colour_type, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in packed))
    parts = [chunk(b"IHDR", head), *(chunk(*one) for one in chunks), chunk(b"IDAT", body), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def numbers(bits, *shape):
    return RANDOM.integers(0, 2**bits, shape).astype(np.uint16)


@pytest.mark.parametrize(
    ("samples", "colour_type", "line"),
    [
        pytest.param(3, 2, "Y=9, X=13, 3 channels (RGB)", id="rgb"),
        pytest.param(4, 6, "Y=9, X=13, 4 channels (RGB, alpha not used)", id="rgba"),
        pytest.param(1, 0, "Y=9, X=13, 1 channel", id="grey"),
        pytest.param(2, 4, "Y=9, X=13, 1 channel, alpha not used", id="grey with alpha"),
    ],
)
@pytest.mark.parametrize("bits", [8, 16])
def test_an_image_keeps_its_bits(tmp_path, samples, colour_type, line, bits):
    stored = numbers(bits, 9, 13, samples)
    (tmp_path / "a.png").write_bytes(png(stored, bits, colour_type))
    image = read_image(tmp_path / "a.png")
    assert image.reading.describe() == line
    assert image.data.dtype.itemsize * 8 == bits
    np.testing.assert_array_equal(image.data, stored if samples > 2 else stored[..., 0])


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_a_grey_mask_keeps_its_numbers_whatever_its_bits(tmp_path, bits):
    stored = numbers(bits, 9, 13)
    (tmp_path / "a.png").write_bytes(png(stored, bits, 0))
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png"), stored)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_grey_mask_with_an_alpha_keeps_its_numbers(tmp_path, bits):
    stored = numbers(bits, 9, 13, 2)
    (tmp_path / "a.png").write_bytes(png(stored, bits, 4))
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png"), stored[..., 0])


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("transparent", [False, True])
def test_of_a_palette_an_image_has_the_colours_and_a_mask_the_indices(tmp_path, bits, transparent):
    stored, colours = numbers(bits, 9, 13), RANDOM.integers(0, 256, (2**bits, 3)).astype(np.uint8)
    chunks = [(b"PLTE", colours.tobytes())] + [(b"tRNS", b"\x00\x80")] * transparent
    (tmp_path / "a.png").write_bytes(png(stored, bits, 3, *chunks))
    image = read_image(tmp_path / "a.png")
    assert image.reading.describe() == "Y=9, X=13, 3 channels (RGB), from a palette"
    np.testing.assert_array_equal(image.data, colours[stored])
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png"), stored)


def test_a_palette_of_greys_gives_greys(tmp_path):
    stored, greys = numbers(2, 9, 13), np.array([250, 3, 90, 200], np.uint8)
    (tmp_path / "a.png").write_bytes(png(stored, 2, 3, (b"PLTE", np.repeat(greys, 3).tobytes())))
    image = read_image(tmp_path / "a.png")
    assert image.reading.describe() == "Y=9, X=13, 1 channel, from a palette of greys"
    np.testing.assert_array_equal(image.data, greys[stored])


@pytest.mark.parametrize(("bits", "colour_type", "samples"), [(16, 2, 3), (16, 4, 2), (4, 0, 1)])
def test_what_is_cut_off_is_refused(tmp_path, bits, colour_type, samples):
    content = png(numbers(bits, 40, 50, samples), bits, colour_type)
    (tmp_path / "a.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(ImageError, match="truncated or damaged"):
        read_image(tmp_path / "a.png")


def test_a_jpeg_of_12_bits_keeps_them(tmp_path):
    ramp = np.tile(np.arange(64, dtype=np.uint16) * 60, (64, 1))
    (tmp_path / "a.jpg").write_bytes(imagecodecs.jpeg_encode(ramp, level=100, bitspersample=12))
    image = read_image(tmp_path / "a.jpg")
    assert image.data.dtype == np.uint16
    assert np.abs(image.data.astype(int) - ramp).mean() < 20


def test_a_mask_that_went_through_jpeg_is_refused_unless_it_kept_two_numbers(tmp_path):
    mask = np.zeros((64, 64), np.uint8)
    mask[:, 32:] = 255
    Image.fromarray(mask).save(tmp_path / "a.jpg", quality=100)
    np.testing.assert_array_equal(read_labels(tmp_path / "a.jpg"), mask)
    Image.fromarray(np.roll(mask, 3, axis=1)).save(tmp_path / "a.jpg", quality=60)
    with pytest.raises(ImageError, match="it is stored as JPEG"):
        read_labels(tmp_path / "a.jpg")


def test_what_was_made_of_colours_is_said(tmp_path):
    Image.new("RGB", (30, 20), (250, 10, 10)).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    pixels, remarks = read_pixels(tmp_path / "a.jpg", "JPEG")
    assert remarks == ("from CMYK",)
    assert np.abs(pixels.astype(int) - (250, 10, 10)).max() <= 6
