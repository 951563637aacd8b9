"""Small slides as scanners write them."""

import numpy as np
import tifffile

APERIO = (
    "Aperio Image Library v12.0.15 \r\n{width}x{height} [0,0 {width}x{height}] (64x64) JPEG/RGB Q=90"
    "|AppMag = 20|StripeWidth = 2032|MPP = {size}|Left = 25.69"
)


def pyramid(data, *steps):
    """Return coarser levels by the mean of squares of pixels."""
    return [
        data[: len(data) // n * n, : data.shape[1] // n * n]
        .reshape(len(data) // n, n, data.shape[1] // n, n, 3)
        .mean((1, 3))
        .round()
        .astype(np.uint8)
        for n in steps
    ]


def write_svs(path, data, *, size=0.5, steps=(4, 16), compression="zlib", tile=64):
    """Write an SVS as Aperio's scanners lay it out: the slide, a thumbnail, coarser levels, label and macro."""
    height, width = data.shape[:2]
    told = APERIO.format(width=width, height=height, size=size)
    tiled = {"photometric": "rgb", "metadata": None, "tile": (tile, tile), "compression": compression}
    plain = {"photometric": "rgb", "metadata": None, "compression": "zlib"}
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(data, description=told, **tiled)
        tiff.write(np.ascontiguousarray(data[::8, ::8]), description=told + "|thumbnail", **plain)
        for level in pyramid(data, *steps):
            tiff.write(level, description=told, **tiled)
        for name, kind in (("label", 1), ("macro", 9)):
            beside = np.full((30, 40, 3), 99, np.uint8)
            tiff.write(beside, description=f"Aperio Image Library \r\n{name} 40x30", subfiletype=kind, **plain)
    return path


def tissue_slide(height, width, islands, *, seed=0):
    """Return a slide, white with noise, and where islands (y, x, radius) of pink tissue with violet nuclei are."""
    random = np.random.default_rng(seed)
    data = 238 + random.normal(0, 2, (height, width, 1)) + random.normal(0, 1, (height, width, 3))
    yy, xx = np.mgrid[:height, :width]
    tissue = np.zeros((height, width), bool)
    for y, x, radius in islands:
        tissue |= np.hypot(yy - y, xx - x) < radius
    data[tissue] = random.normal((225, 160, 195), 6, (int(tissue.sum()), 3))
    nuclei = tissue & (np.hypot(yy % 24 - 12, xx % 24 - 12) < 6)
    data[nuclei] = random.normal((90, 60, 150), 6, (int(nuclei.sum()), 3))
    return data.clip(0, 255).astype(np.uint8), tissue
