"""The header of a model file: what a network is, what it expects, and how it came to be.

A model file is one ``.safetensors`` file. Its metadata holds this header as JSON under the key ``napari_medt``. The
header is read without torch and without loading a tensor, so lists of models appear at once.

Examples
--------
>>> header = ModelHeader(
...     name="cells", purpose="Cells in phase contrast", architecture="attention-unet",
...     config={"in_channels": 1, "classes": 2}, classes=("background", "cell"), channels=("grey",),
... )
>>> ModelHeader.from_json(header.to_json()) == header
True
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from src_models.errors import ModelFileError
from src_models.models.packages.description import is_package

__all__ = [
    "SCHEMA_VERSION",
    "SEPARATIONS",
    "InstanceSettings",
    "Intensity",
    "ModelHeader",
    "Result",
    "Separation",
    "Use",
    "instance_classes",
    "read_header",
    "slice_channels",
]

SCHEMA_VERSION = 1
METADATA_KEY = "napari_medt"
RGB = ("red", "green", "blue")
_SLICE = re.compile(r"slice(?: ([+-]\d+))?")

Result = Literal["semantic", "instances", "class"]
RESULTS: tuple[Result, ...] = ("semantic", "instances", "class")
Use = Literal["segment", "click", "classify"]
Separation = Literal["boundary", "distance", "flows"]
SEPARATIONS: tuple[Separation, ...] = ("boundary", "distance", "flows")


def instance_classes(separation: Separation) -> tuple[str, ...]:
    """Return the classes of a network that tells objects apart in this way."""
    return ("background", "interior", "boundary") if separation == "boundary" else ("background", "object")


def slice_channels(count: int) -> tuple[str, ...]:
    """Return the channels of a network that sees so many slices of a volume to segment the one in their middle.

    Raises
    ------
    ModelFileError
        If there is no middle one.

    Examples
    --------
    >>> slice_channels(3), slice_channels(1)
    (('slice -1', 'slice', 'slice +1'), ('slice',))
    """
    if count < 1 or count % 2 == 0:
        raise ModelFileError(f"the number of slices {count} must be odd: as many below the slice as above it")
    return tuple(f"slice {offset:+d}" if offset else "slice" for offset in range(-(count // 2), count // 2 + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Intensity:
    """How grey values are brought to the network's range.

    Parameters
    ----------
    kind
        ``"percentile"``: the percentiles `low` and `high` of the image go to 0 and 1. ``"zscore"``: values are clipped
        to these percentiles, then shifted and scaled to mean 0 and standard deviation 1. ``"window"``: the values
        `low` and `high` themselves (HU for CT) go to 0 and 1, with clipping. ``"signed-window"``: they go to -1 and 1.
        ``"unscaled"``: the network takes grey values as they are.
    low, high
        Percentiles (0 to 100), or grey values for the windows; `low` < `high`.
    """

    kind: Literal["percentile", "zscore", "window", "signed-window", "unscaled"] = "percentile"
    low: float = 0.5
    high: float = 99.8

    def __post_init__(self) -> None:
        if self.kind not in ("percentile", "zscore", "window", "signed-window", "unscaled"):
            raise ModelFileError(
                f"intensity kind {self.kind!r} is not one of percentile, zscore, window, signed-window, unscaled"
            )
        if not self.low < self.high:
            raise ModelFileError(f"intensity low {self.low!r} must be below high {self.high!r}")
        if self.kind in ("percentile", "zscore") and not (self.low >= 0 and self.high <= 100):
            raise ModelFileError(f"intensity percentiles {self.low!r} and {self.high!r} must lie between 0 and 100")


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceSettings:
    """How what a network predicts becomes instances.

    Parameters
    ----------
    separation
        What tells objects that touch apart. ``"boundary"``: a class of its own, the outermost pixels of each object,
        then a marker-based watershed. ``"distance"``: besides the probability of being an object, the distance to its
        edge as a share of the largest in the object, then a watershed. ``"flows"``: besides that probability, a unit
        vector that points away from the edge; pixels that flow to one place are one object.
    foreground
        A pixel belongs to an object where the probability of being one is above this.
    seed
        Of boundaries: markers are looked for where P(interior) is above this.
    smoothing
        Standard deviation (px, on the network's grid) of the Gaussian on the distance to the edge.
    depth
        Two peaks of the distance are two objects where the saddle between them is lower by this: in px for
        ``"boundary"``, as a share of the largest for ``"distance"``.
    min_size
        Objects of fewer pixels (or voxels) are dropped.
    """

    separation: Separation = "boundary"
    foreground: float = 0.5
    seed: float = 0.45
    smoothing: float = 1.5
    depth: float = 0.75
    min_size: int = 16

    def __post_init__(self) -> None:
        if self.separation not in SEPARATIONS:
            raise ModelFileError(f"separation {self.separation!r} is not one of {', '.join(SEPARATIONS)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelHeader:
    """Everything that is known of a model besides its weights.

    Parameters
    ----------
    name, purpose
        A short name, and one line that tells a person what the model is for.
    architecture, config
        Arguments of :func:`src_models.create` that rebuild the network.
    classes
        Names of the network's output classes in order; 0 is the background, where there is one: a network that says
        what a whole image shows (``result="class"``) has none.
    channels
        Names of the input channels in order. A model for ``("red", "green", "blue")`` also takes grey images. One for
        ``("slice -1", "slice", "slice +1")`` takes volumes, and sees each slice between its neighbours (2.5D).
    prompts
        What the network takes besides the image, as further channels: of a network of clicks, where these are. Empty
        for networks that segment by themselves.
    dimensions
        2 or 3.
    intensity
        How grey values are normalised.
    tile, overlap
        Tile size and overlap of neighbouring tiles (px, per spatial axis) that prediction uses unless told otherwise.
        Of a network that says what a whole image shows, the size of the images that it was taught.
    result
        ``"semantic"``: labels are class ids. ``"instances"``: labels are objects, and classes are those of the way in
        which objects are told apart (:func:`instance_classes`). ``"class"``: one class for the whole image.
    instances
        How objects are told apart, for ``result="instances"``.
    largest_pieces
        How many connected pieces a class has in a volume, by its name, such as ``{"liver": 1, "lungs": 2}``: prediction
        keeps the largest ones, and takes others for strays. Classes that are not named keep all.
    object_diameter, diameter_range
        The diameter (px) of objects on which the network is at its best, and the range it handles without rescaling.
    estimates_diameter
        Whether the diameter is estimated where nobody gives one. Not so for networks that learnt from corrections:
        these were taught the images at their own scale, or at `image_zoom`.
    image_zoom
        Factor by which images are resized before the network sees them, where nobody gives a diameter: not 1 where it
        learnt from objects that were much larger, or smaller, than those it had known.
    spacing, unit
        Physical size of a pixel, ((z,) y, x), that the network was trained at, if that matters, and its unit, such as
        ``"mm"``. Images whose pixels have a known size are resampled to it before the network sees them.
    licence
        SPDX identifier of the weights' licence.
    training
        How it was trained: data, steps, seed, versions, validation scores.
    parent_sha256
        SHA-256 of the model file that this one was fine-tuned from.

    Raises
    ------
    ModelFileError
        If fields contradict each other.
    """

    name: str
    purpose: str
    architecture: str
    config: Mapping[str, Any]
    classes: tuple[str, ...]
    channels: tuple[str, ...]
    prompts: tuple[str, ...] = ()
    dimensions: int = 2
    intensity: Intensity = field(default_factory=Intensity)
    tile: tuple[int, ...] = (512, 512)
    overlap: tuple[int, ...] = (64, 64)
    result: Result = "semantic"
    instances: InstanceSettings = field(default_factory=InstanceSettings)
    largest_pieces: Mapping[str, int] = field(default_factory=dict)
    object_diameter: float | None = None
    diameter_range: tuple[float, float] | None = None
    estimates_diameter: bool = True
    image_zoom: float = 1.0
    spacing: tuple[float, ...] | None = None
    unit: str | None = None
    licence: str = "unknown"
    training: Mapping[str, Any] = field(default_factory=dict)
    parent_sha256: str | None = None
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        if self.dimensions not in (2, 3):
            raise ModelFileError(f"dimensions {self.dimensions!r} must be 2 or 3")
        if len(self.tile) != self.dimensions or len(self.overlap) != self.dimensions:
            raise ModelFileError(f"tile {self.tile} and overlap {self.overlap} need {self.dimensions} numbers each")
        if any(o < 0 or 2 * o >= t for t, o in zip(self.tile, self.overlap, strict=True)):
            raise ModelFileError(f"overlap {self.overlap} must be below half of the tile {self.tile}")
        if self.spacing is not None:
            self._check_spacing(self.spacing)
        if not 0 < self.image_zoom < math.inf or (self.image_zoom != 1 and self.spacing is not None):
            raise ModelFileError(
                f"images cannot be resized {self.image_zoom!r} times: that must be a number above 0, and 1 of a model "
                "that has a spacing"
            )
        if self.result not in RESULTS:
            raise ModelFileError(f"result {self.result!r} is not one of {', '.join(RESULTS)}")
        needed = instance_classes(self.instances.separation)
        if self.result == "instances" and len(self.classes) != len(needed):
            raise ModelFileError(
                f"a model for instances told apart by {self.instances.separation} needs the classes {', '.join(needed)}"
            )

        self._check_pieces()

    def _check_pieces(self) -> None:
        if self.largest_pieces and self.result != "semantic":
            raise ModelFileError("the largest pieces are those of classes, and this model finds none in pixels")
        for name, count in self.largest_pieces.items():
            if name not in self.classes[1:]:
                raise ModelFileError(f"the largest pieces are kept of {name!r}, which is not one of the classes")
            if not isinstance(count, int) or count < 1:
                raise ModelFileError(f"the number of pieces of {name!r}, {count!r}, must be 1 or more")

    def _check_spacing(self, spacing: tuple[float, ...]) -> None:
        if len(spacing) != self.dimensions or not all(0 < size < math.inf for size in spacing):
            raise ModelFileError(f"spacing {spacing} needs {self.dimensions} numbers above 0")
        if self.unit in (None, "", "pixel"):
            raise ModelFileError(f"spacing {spacing} needs a unit of length, such as mm or µm")

    @property
    def use(self) -> Use:
        """What the model does with an image: ``"segment"`` it by itself, answer a ``"click"``, or ``"classify"`` it."""
        if self.result == "class":
            return "classify"
        return "click" if self.prompts else "segment"

    @property
    def rgb(self) -> bool:
        """Whether the network was trained on colour images."""
        return self.channels == RGB

    @property
    def slices(self) -> tuple[int, ...]:
        """Which slices of a volume a network of slices sees, counted from the one it segments; empty for any other."""
        named = [_SLICE.fullmatch(name) for name in self.channels]
        return tuple(int(one[1] or 0) for one in named if one is not None) if all(named) else ()

    @property
    def slices_kept(self) -> int:
        """How many slices of a stack are kept around a corrected one, for the model to learn from; 0 for none."""
        if self.dimensions == 3:
            return self.tile[0]
        return len(self.slices) if len(self.slices) > 1 else 0

    @property
    def image_channels(self) -> tuple[str, ...]:
        """Names of the channels that an image must have: of a network of slices, each slice is grey."""
        return ("grey",) if self.slices else self.channels

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of what the network predicts besides class probabilities: channels that follow those of the classes."""
        if self.result != "instances" or self.instances.separation == "boundary":
            return ()
        if self.instances.separation == "distance":
            return ("distance",)
        return tuple(f"flow {axis}" for axis in "zyx"[-self.dimensions :])

    @property
    def outputs(self) -> int:
        """Number of channels that the network gives: classes, then fields."""
        return len(self.classes) + len(self.fields)

    def to_json(self) -> str:
        """Return the header as a JSON object."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ModelHeader:
        """Read a header back.

        Raises
        ------
        ModelFileError
            If the text is not JSON, comes from a newer schema, or lacks or adds fields.
        """
        try:
            raw = json.loads(text)
        except json.JSONDecodeError as error:
            raise ModelFileError(f"the header is not JSON ({error})") from error
        if not isinstance(raw, dict):
            raise ModelFileError("the header is not a JSON object")
        version = raw.get("schema_version")
        if not isinstance(version, int) or version > SCHEMA_VERSION:
            raise ModelFileError(
                f"the header has schema version {version!r} and this napari-medt reads up to {SCHEMA_VERSION}: "
                "update napari-medt"
            )
        return cls._from_fields(raw)

    @classmethod
    def _from_fields(cls, raw: dict[str, Any]) -> ModelHeader:
        try:
            raw["intensity"] = Intensity(**raw["intensity"])
            raw["instances"] = InstanceSettings(**raw["instances"])
            for name in ("classes", "channels", "prompts", "tile", "overlap", "diameter_range", "spacing"):
                if raw.get(name) is not None:
                    raw[name] = tuple(raw[name])
            return cls(**raw)
        except (KeyError, TypeError) as error:
            raise ModelFileError(f"the header does not have the fields of a model header ({error})") from error


def read_header(path: str | Path) -> ModelHeader:
    """Read the header of a model file without loading its weights.

    Parameters
    ----------
    path
        A ``.safetensors`` file, or a package of the BioImage Model Zoo.

    Raises
    ------
    ModelFileError
        If the file is missing, is no safetensors file, or has no header or an unusable one.
    """
    path = Path(path)
    if is_package(path):
        from src_models.models.packages.importing import package_header

        return package_header(path)
    if not path.is_file():
        raise ModelFileError(f"{path}: there is no such model file; `napari-medt models` lists the ones there are")
    metadata = _safetensors_metadata(path)
    if METADATA_KEY not in metadata:
        raise ModelFileError(
            f"{path}: this safetensors file has no napari-medt header; if it holds weights of a paper's own code, "
            "convert it with `napari-medt convert`"
        )
    try:
        return ModelHeader.from_json(metadata[METADATA_KEY])
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from error


def _safetensors_metadata(path: Path) -> dict[str, str]:
    """Read the metadata of a safetensors file: 8 bytes of length (little endian), then that many bytes of JSON.

    The library's own `safe_open` loads NumPy for this, which a command that lists models would wait for.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        text = file.read(length) if 2 <= length <= size - 8 else b""
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ModelFileError(
            f"{path}: this is not a whole safetensors file (it is truncated, or another format under that name, "
            "such as a pickle); get the model again, or convert it with `napari-medt convert`"
        ) from error
    metadata = content.get("__metadata__") if isinstance(content, dict) else None
    return {str(key): str(value) for key, value in metadata.items()} if isinstance(metadata, dict) else {}
