"""The sample images under File > Open Sample: each with labels, which people drew, or of the CT a model."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Any

from numpy.typing import NDArray

__all__ = ["abdomen_ct", "brightfield", "fluorescence", "histology"]

LayerData = tuple[NDArray[Any], dict[str, Any], str]


def fluorescence() -> list[LayerData]:
    """Return cultured cells with a DNA stain, 520 x 696."""
    return _sample("fluorescence")


def histology() -> list[LayerData]:
    """Return a stained tissue section in colour, 256 x 320."""
    return _sample("histology", rgb=True)


def brightfield() -> list[LayerData]:
    """Return a smear in bright field, 384 x 384."""
    return _sample("brightfield")


def abdomen_ct() -> list[LayerData]:
    """Return twelve slices of a CT of an abdomen, 138 x 220, at their place in mm, with organs that a model drew."""
    from napari_medt.files.readers import scan_reader

    layers = []
    for file_name in ("abdomen_ct.nii.gz", "abdomen_ct_labels.seg.nrrd"):
        with as_file(files("napari_medt_manifest") / "sample_data" / file_name) as path:
            read = scan_reader(str(path))
            assert read is not None
            layers += read(str(path))
    (image, seen, _), (labels, organs, _) = layers
    seen["name"], organs["name"] = "abdomen_ct", "abdomen_ct - organs that a model drew"
    return [(image, seen, "image"), (labels, organs, "labels")]


def _sample(name: str, *, rgb: bool = False) -> list[LayerData]:
    # The pixel size of these images is not known: they are placed in pixels.
    place = {"scale": (1.0, 1.0), "units": ("pixel", "pixel"), "axis_labels": ("y", "x")}
    image = {"name": name, "rgb": rgb, **place}
    labels = {"name": f"{name} - ground truth", "visible": False, **place}
    return [(_read(f"{name}.png"), image, "image"), (_read(f"{name}_labels.png"), labels, "labels")]


def _read(file_name: str) -> NDArray[Any]:
    from imageio.v3 import imread

    with as_file(files("napari_medt_manifest") / "sample_data" / file_name) as path:
        return imread(path)
