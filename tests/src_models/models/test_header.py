"""Headers: what goes in comes out, and what cannot be used is refused with a reason."""

import json
import struct
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.errors import ModelFileError
from src_models.models.header import (
    SCHEMA_VERSION,
    InstanceSettings,
    Intensity,
    ModelHeader,
    instance_classes,
    read_header,
    slice_channels,
)

BASE = {
    "name": "cells",
    "purpose": "Cells in phase contrast",
    "architecture": "attention-unet",
    "config": {"in_channels": 1, "classes": 2, "widths": [4, 8]},
    "classes": ("background", "cell"),
    "channels": ("grey",),
}


def write_safetensors(path, metadata, tensors=b""):
    """Write the format by hand: 8 bytes of length, JSON, tensors."""
    text = json.dumps({"__metadata__": metadata}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + tensors)
    return path


def changed(**fields):
    """The JSON of a good header with some fields replaced (None removes a field)."""
    raw = json.loads(ModelHeader(**BASE).to_json())
    raw.update(fields)
    return json.dumps({name: value for name, value in raw.items() if value != "removed"})


@given(
    name=st.text(max_size=20),
    names=st.lists(st.text(max_size=10), min_size=2, max_size=6),
    dimensions=st.sampled_from([2, 3]),
    kind=st.sampled_from(["percentile", "zscore", "window", "signed-window"]),
    low=st.floats(0, 40),
    width=st.floats(0.5, 50),
    overlap=st.integers(0, 100),
    diameter=st.none() | st.floats(1, 1e6),
    training=st.dictionaries(st.text(max_size=5), st.floats(allow_nan=False) | st.text(max_size=5), max_size=3),
)
def test_a_header_comes_back_as_it_was(name, names, dimensions, kind, low, width, overlap, diameter, training):
    header = ModelHeader(
        **{**BASE, "name": name, "classes": tuple(names), "training": training},
        dimensions=dimensions,
        intensity=Intensity(kind=kind, low=low, high=low + width),
        instances=InstanceSettings(seed=0.3, min_size=7),
        tile=(2 * overlap + 1,) * dimensions,
        overlap=(overlap,) * dimensions,
        object_diameter=diameter,
        diameter_range=None if diameter is None else (diameter / 2, diameter * 2),
        spacing=(0.5,) * dimensions,
        unit="µm",
        licence="CC0-1.0",
        parent_sha256="ab" * 32,
    )
    assert ModelHeader.from_json(header.to_json()) == header


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("{", "not JSON", id="cut off"),
        pytest.param("[1]", "not a JSON object", id="a list"),
        pytest.param(changed(schema_version=SCHEMA_VERSION + 1), "update napari-medt", id="newer schema"),
        pytest.param(changed(schema_version="removed"), "schema version None", id="no schema"),
        pytest.param(changed(classes="removed"), "'classes'", id="field missing"),
        pytest.param(changed(magic=3), "'magic'", id="field unknown"),
        pytest.param(changed(intensity={"kind": "log"}), "'log' is not one of percentile, zscore, window", id="kind"),
        pytest.param(changed(intensity={"low": 5, "high": 5}), "low 5 must be below high 5", id="empty range"),
        pytest.param(changed(intensity={"low": -1, "high": 50}), "between 0 and 100", id="percentile below 0"),
        pytest.param(changed(intensity={"low": 1, "high": 101}), "between 0 and 100", id="percentile above 100"),
        pytest.param(changed(intensity=3), "fields of a model header", id="intensity no object"),
        pytest.param(changed(dimensions=4), "must be 2 or 3", id="4D"),
        pytest.param(changed(tile=[64, 64, 64]), "need 2 numbers each", id="3D tile of a 2D model"),
        pytest.param(changed(tile=[64, 64], overlap=[32, 8]), "below half of the tile", id="overlap too large"),
        pytest.param(changed(tile=["a", "b"]), "fields of a model header", id="tile of words"),
        pytest.param(changed(result="instances"), "background, interior, boundary", id="instances of two classes"),
        pytest.param(changed(result="boxes"), "'boxes' is not one of semantic, instances", id="unknown result"),
        pytest.param(changed(spacing=[1, 1, 1], unit="mm"), "needs 2 numbers above 0", id="3D spacing of a 2D model"),
        pytest.param(changed(spacing=[1.5, 0], unit="mm"), "needs 2 numbers above 0", id="spacing of nothing"),
        pytest.param(changed(spacing=[1.5, 1.5]), "needs a unit of length, such as mm", id="spacing without a unit"),
        pytest.param(changed(image_zoom=0), "a number above 0", id="images resized to nothing"),
        pytest.param(changed(image_zoom=2, spacing=[1, 1], unit="mm"), "has a spacing", id="two ways to resize"),
    ],
)
def test_an_unusable_header_is_refused_with_the_reason(text, words):
    with pytest.raises(ModelFileError, match=words):
        ModelHeader.from_json(text)


def test_a_header_is_read_from_a_file_without_torch(tmp_path):
    header = ModelHeader(**BASE)
    path = write_safetensors(tmp_path / "a.safetensors", {"napari_medt": header.to_json()})
    assert read_header(path) == header
    code = (
        "import sys; from src_models.models.header import read_header\n"
        f"assert read_header({str(path)!r}).name == 'cells'\n"
        "sys.exit('torch was loaded' if 'torch' in sys.modules else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "not a whole safetensors file", id="empty"),
        pytest.param(b"\x80\x02}q\x00.", "such as a pickle", id="pickle"),
        pytest.param(b"#" * 4000, "not a whole safetensors file", id="text"),
        pytest.param(struct.pack("<Q", 2**63) + b"{}", "not a whole safetensors file", id="absurd length"),
        pytest.param(struct.pack("<Q", 50) + b'{"__metadata__": {', "not a whole safetensors file", id="cut header"),
        pytest.param(struct.pack("<Q", 4) + b"\xff\xfe{}", "not a whole safetensors file", id="not UTF-8"),
        pytest.param(struct.pack("<Q", 2) + b"{}", "no napari-medt header", id="no metadata"),
        pytest.param(struct.pack("<Q", 2) + b"[]", "no napari-medt header", id="a list"),
        pytest.param(b"\x14" + bytes(7) + b'{"__metadata__": []}', "no napari-medt header", id="metadata a list"),
        pytest.param(b"\x16" + bytes(7) + b'{"__metadata__": null}', "no napari-medt header", id="metadata null"),
    ],
)
def test_a_foreign_or_damaged_file_is_refused_by_name(tmp_path, content, words):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=words) as caught:
        read_header(path)
    assert str(path) in str(caught.value)


def test_weights_of_other_programs_are_pointed_to_the_conversion(tmp_path):
    path = write_safetensors(tmp_path / "other.safetensors", {"format": "pt"})
    with pytest.raises(ModelFileError, match="napari-medt convert"):
        read_header(path)


def test_a_problem_inside_the_header_names_the_file(tmp_path):
    path = write_safetensors(tmp_path / "new.safetensors", {"napari_medt": changed(schema_version=99)})
    with pytest.raises(ModelFileError, match="schema version 99") as caught:
        read_header(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(ModelFileError, match="there is no such model file"):
        read_header(tmp_path / "none.safetensors")
    with pytest.raises(ModelFileError, match="there is no such model file"):
        read_header(tmp_path)


def test_only_red_green_blue_is_colour():
    assert ModelHeader(**{**BASE, "channels": ("red", "green", "blue")}).rgb
    assert not ModelHeader(**{**BASE, "channels": ("blue", "green", "red")}).rgb
    assert not ModelHeader(**BASE).rgb


@pytest.mark.parametrize(
    ("separation", "dimensions", "fields"),
    [
        ("boundary", 2, ()),
        ("distance", 3, ("distance",)),
        ("flows", 2, ("flow y", "flow x")),
        ("flows", 3, ("flow z", "flow y", "flow x")),
    ],
)
def test_what_tells_objects_apart_says_which_fields_follow_the_classes(separation, dimensions, fields):
    classes = instance_classes(separation)
    header = ModelHeader(
        **{**BASE, "classes": classes},
        result="instances",
        dimensions=dimensions,
        tile=(64,) * dimensions,
        overlap=(8,) * dimensions,
        instances=InstanceSettings(separation=separation),
    )
    assert header.fields == fields
    assert header.outputs == len(classes) + len(fields)
    assert ModelHeader.from_json(header.to_json()) == header


def test_another_way_to_tell_objects_apart_is_refused():
    with pytest.raises(ModelFileError, match="boundary, distance, flows"):
        InstanceSettings(separation="colour")


@pytest.mark.parametrize(
    ("fields", "use"),
    [({}, "segment"), ({"prompts": ("positive clicks",)}, "click"), ({"result": "class"}, "classify")],
)
def test_what_a_model_does_with_an_image_is_told(fields, use):
    header = ModelHeader(
        name="a", purpose="", architecture="unet", config={}, classes=("a", "b"), channels=("grey",), **fields
    )
    assert header.use == use
    assert ModelHeader.from_json(header.to_json()).use == use


@pytest.mark.parametrize(
    ("channels", "slices", "image_channels"),
    [
        pytest.param(("slice -1", "slice", "slice +1"), (-1, 0, 1), ("grey",), id="three"),
        pytest.param(("slice",), (0,), ("grey",), id="one"),
        pytest.param(("slice -1", "slice", "dye"), (), ("slice -1", "slice", "dye"), id="no slices"),
        pytest.param(("grey",), (), ("grey",), id="pictures"),
    ],
)
def test_channels_tell_of_slices(channels, slices, image_channels):
    header = ModelHeader(**{**BASE, "channels": channels})
    assert (header.slices, header.image_channels) == (slices, image_channels)
    assert header.slices_kept == (3 if len(slices) == 3 else 0)


def test_of_a_corrected_slice_a_network_of_volumes_needs_as_many_as_it_sees_at_once():
    header = ModelHeader(**{**BASE, "tile": (48, 96, 96), "overlap": (8, 8, 8)}, dimensions=3)
    assert header.slices_kept == 48


@pytest.mark.parametrize("count", [0, 2, -1])
def test_slices_without_a_middle_one_are_refused(count):
    with pytest.raises(ModelFileError, match="must be odd"):
        slice_channels(count)


@pytest.mark.parametrize(
    ("kept", "sentence"),
    [({"spleen": 1}, "'spleen', which is not one"), ({"background": 1}, "not one"), ({"cell": 0}, "must be 1 or more")],
)
def test_largest_pieces_are_those_of_classes(kept, sentence):
    header = ModelHeader(**BASE, largest_pieces={"cell": 2})
    assert ModelHeader.from_json(header.to_json()).largest_pieces == {"cell": 2}
    with pytest.raises(ModelFileError, match=sentence):
        ModelHeader(**BASE, largest_pieces=kept)
