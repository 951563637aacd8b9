"""Saying what an image shows, or each tile of it, or each object in it: where a model of classes meets an image.

Objects are looked at in a square of the model's size around their middle, with what surrounds them, as the model was
taught; where that reaches beyond the image, the image is mirrored. An object of a stack or a time series is looked at
in the plane in which most of it is. Tiles lie side by side, those at the far ends being narrower. A whole image is
brought to the model's size, plane by plane.

>>> from src_models.models.architectures import create
>>> from src_models.models.header import ModelHeader
>>> header = ModelHeader(name="tiny", purpose="an example", architecture="resnet18", result="class", tile=(32, 32),
...                      config={"in_channels": 1, "classes": 2}, classes=("round", "long"), channels=("grey",),
...                      overlap=(0, 0))
>>> model = Model(create("resnet18", **header.config), header)
>>> labels = np.zeros((50, 60), np.uint8)
>>> labels[10:20, 5:25], labels[30:40, 40:50] = 3, 7
>>> found = classify(np.eye(50, 60), model, labels=labels)
>>> found.ids.tolist(), found.positions.tolist(), found.probabilities.shape
([3, 7], [[14.5, 14.5], [34.5, 44.5]], (2, 2))
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from src_models.classifying.asking import Asking, check_classifies
from src_models.classifying.class_probabilities import Classified, ClassProbabilities
from src_models.classifying.pictures.crops import Crops
from src_models.classifying.pictures.object_places import check_labels, object_places
from src_models.classifying.pictures.picture import model_size, prepared
from src_models.computing.memory import reused_memory
from src_models.computing.package_versions import package_versions
from src_models.errors import UserError
from src_models.images.axes import AxesReading
from src_models.images.grey.grey_range import GreyRange
from src_models.images.model_image import ModelImage
from src_models.images.planes import Plane
from src_models.models.checkpoint import Model
from src_models.progress import Progress, finish

__all__ = [
    "ClassProbabilities",
    "Classified",
    "classify",
    "classify_image",
    "classify_objects",
    "classify_steps",
    "classify_tiles",
]

LOOKING = "looking for the objects"
LARGER = (
    "{} of {} objects are larger than the {} px that the model looks at: if these are larger than those it was taught, "
    "give a zoom below 1 (--zoom in the shell, zoom= in Python)."
)


def classify(
    image: Any, model: Model, *, on_progress: Callable[[Progress], None] | None = None, **how: Any
) -> Classified:
    """Say what an image, its tiles or its objects show; see :func:`classify_steps`, of which this is the whole run."""
    return finish(classify_steps(image, model, **how), on_progress)


def classify_image(image: Any, model: Model, **how: Any) -> Classified:
    """Say what each plane of an image shows; see :func:`classify_steps`."""
    return classify(image, model, **how)


def classify_tiles(image: Any, model: Model, size: int | None = None, **how: Any) -> Classified:
    """Say what each tile of an image shows; see :func:`classify_steps`, whose `tiles` is `size` or the model's own."""
    return classify(image, model, tiles=size or True, **how)


def classify_objects(image: Any, labels: Any, model: Model, **how: Any) -> Classified:
    """Say of which class each object of labels is; see :func:`classify_steps`."""
    return classify(image, model, labels=labels, **how)


def classify_steps(
    image: Any,
    model: Model,
    *,
    labels: Any = None,
    tiles: int | bool = False,
    axes: str | AxesReading | None = None,
    channels: int | Sequence[int] | None = None,
    grey_range: GreyRange | str | Sequence[float] | None = None,
    zoom: float = 1.0,
    batch: int | None = None,
    device: str = "auto",
    name: str = "the image",
) -> Generator[Progress, None, Classified]:
    """Say what an image shows, a batch of pictures after each step; closing the generator cancels the run.

    Parameters
    ----------
    image
        NumPy, dask or zarr array; 2D, RGB, multichannel, stack or time series. It is read as it is needed.
    model
        From :func:`src_models.load`: one whose result is a class.
    labels
        Numbers of the objects, of the image's shape without its channels; 0 is none. They are looked at one by one.
    tiles
        Size (px of the image) of the tiles that are looked at; True takes the model's own. Not together with `labels`;
        without both, each plane is looked at as a whole.
    axes, channels, name
        As :func:`src_models.segment_steps` takes them.
    grey_range
        The range of grey values that counts, as there; None measures each picture by itself, as in training.
    zoom
        Of objects: factor by which the image is enlarged before the model sees it, where objects are not of the size
        that it was taught.
    batch
        Pictures that go through the network at a time; None takes what suits the device.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Yields
    ------
    Progress
        After each batch, and while objects are looked for.

    Returns
    -------
    Classified
        When the generator is exhausted: a row for each plane, tile (row by row) or object (by their numbers).

    Raises
    ------
    ImageError
        If the image is empty or complex, or has channels or axes that the model cannot take; if the labels are not its.
    UserError
        If the model segments, a number is out of its range, or the device is missing.
    """
    check_classifies(model.header)
    if labels is not None and tiles:
        raise UserError("objects and tiles exclude each other: give labels or the size of tiles")
    if not 0.01 <= zoom <= 100:
        raise UserError(f"the zoom {zoom} must lie between 0.01 and 100")
    if not isinstance(tiles, bool) and tiles < 8:
        raise UserError(f"tiles of {tiles} px are too small; they have 8 px at least")
    grey = GreyRange.of(grey_range)
    ready = ModelImage(image, model.header, axes=axes, channels=channels, intensity=grey, name=name)
    ready.check_colours()
    size = round(model_size(model.header) / zoom) if labels is not None else model_size(model.header)
    run = _Run(ready, model, Asking(model, device, batch), max(1, size if isinstance(tiles, bool) else tiles))
    with reused_memory():
        if labels is not None:
            return (yield from run.objects(labels))
        return (yield from (run.tiles() if tiles else run.whole()))


class _Run:
    """One call of :func:`classify_steps`."""

    def __init__(self, image: ModelImage, model: Model, asking: Asking, size: int) -> None:
        self.image, self.model, self.asking, self.size = image, model, asking, size
        self.planes = list(image.planes)
        self.notes: list[str] = []

    def whole(self) -> Generator[Progress, None, Classified]:
        height, width = self.image.planes.shape
        count = len(self.planes)
        boxes = np.tile(np.array([0, 0, height, width]), (count, 1))
        reads = ((number, Crops(self.image, plane).whole) for number, plane in enumerate(self.planes))
        return (yield from self._ask("image", np.arange(1, count + 1), np.arange(count), boxes, reads))

    def tiles(self) -> Generator[Progress, None, Classified]:
        height, width = self.image.planes.shape
        size = self.size
        corners = np.array([(y, x) for y in range(0, height, size) for x in range(0, width, size)])
        ends = np.minimum(corners + size, (height, width))
        boxes = np.tile(np.concatenate([corners, ends], axis=1), (len(self.planes), 1))
        planes = np.repeat(np.arange(len(self.planes)), len(corners))
        reads = self._squares(planes, boxes[:, :2] + (size - 1) / 2)
        return (yield from self._ask("tiles", np.arange(1, len(boxes) + 1), planes, boxes, reads))

    def objects(self, labels: Any) -> Generator[Progress, None, Classified]:
        labels = labels if hasattr(labels, "dtype") else np.asarray(labels)
        check_labels(labels, self.image.planes, self.image.name)
        places = object_places(labels, self.image.planes)
        while True:
            try:
                next(places)
            except StopIteration as end:
                found = end.value
                break
            yield Progress(0, 0, LOOKING)
        sides = (found.boxes[:, 2:] - found.boxes[:, :2]).max(axis=1, initial=0)
        larger = int((sides > self.size).sum())
        if larger * 4 > len(sides):
            self.notes.append(LARGER.format(larger, len(sides), self.size))
        reads = self._squares(found.planes, found.centres)
        return (yield from self._ask("objects", found.ids, found.planes, found.boxes, reads, found.centres))

    def _squares(
        self, planes: NDArray[np.int64], centres: NDArray[np.float64]
    ) -> Iterator[tuple[int, Callable[[], NDArray[Any]]]]:
        """Yield number and reader of squares around places, those that lie near each other one after the other."""
        block = Crops.BLOCK
        near = np.lexsort((centres[:, 1] // block, centres[:, 0] // block, planes))
        crops, at = None, -1
        for number in near:
            if crops is None or planes[number] != at:
                at = int(planes[number])
                crops = Crops(self.image, self.planes[at])
            y, x = centres[number]
            yield int(number), crops.square(float(y), float(x), self.size)

    def _ask(
        self,
        kind: Literal["image", "tiles", "objects"],
        ids: NDArray[np.int64],
        planes: NDArray[np.int64],
        boxes: NDArray[np.int64],
        reads: Iterator[tuple[int, Callable[[], NDArray[Any]]]],
        centres: NDArray[np.float64] | None = None,
    ) -> Generator[Progress, None, Classified]:
        header = self.model.header
        probabilities = np.zeros((len(ids), len(header.classes)), np.float32)
        waiting: list[tuple[int, NDArray[np.float32]]] = []
        for done, (number, read) in enumerate(reads, start=1):
            waiting.append((number, self._prepared(read(), self.planes[planes[number]])))
            if len(waiting) >= self.asking.batch or done == len(ids):
                numbers, pictures = zip(*waiting, strict=True)
                probabilities[list(numbers)] = self.asking(pictures)
                waiting = []
                yield Progress(done, len(ids), f"looking at {kind}" if not self.asking.note else self.asking.note)
        middles = (boxes[:, :2] + boxes[:, 2:] - 1) / 2 if centres is None else centres
        leading = np.array(self.planes, np.int64).reshape(len(self.planes), -1)[planes]
        return Classified(
            header.classes,
            probabilities,
            ids=ids.astype(np.int64),
            positions=self._positions(leading, middles),
            boxes=boxes.astype(np.int64),
            planes=leading,
            kind=kind,
            read_as=self._read_as,
            notes=tuple(filter(None, (self.image.channel_note, *self.notes))),
            provenance=self._provenance(kind),
        )

    def _prepared(self, crop: NDArray[Any], plane: Plane) -> NDArray[np.float32]:
        image = self.image
        chosen = image.normalisations[image.planes.time_of(plane)] if image.grey_range is not None else None
        return prepared(crop, self.model.header, image.name, reading=image.reading, normalisation=chosen)

    def _positions(self, leading: NDArray[np.int64], middles: NDArray[np.float64]) -> NDArray[np.float64]:
        planes = self.image.planes
        columns: dict[str, NDArray[Any]] = {"Y": middles[:, 0], "X": middles[:, 1]}
        columns |= {letter: leading[:, index] for index, letter in enumerate(planes.leading)}
        return np.stack([columns[letter] for letter in planes.label_axes], axis=1).astype(np.float64)

    @property
    def _read_as(self) -> str:
        if self.image.grey_range is not None:
            return self.image.read_as
        return f"{self.image.reading.describe()}, each picture by its own grey values"

    def _provenance(self, kind: str) -> dict[str, Any]:
        reading, grey, execution = self.image.reading, self.image.grey_range, self.asking.execution
        return {
            "read_as": self._read_as,
            "model_sha256": self.model.sha256,
            "header": dataclasses.asdict(self.model.header),
            "settings": {
                "axes": reading.axes,
                "channels": None if reading.chosen is None else list(reading.chosen),
                "grey_range": None if grey is None else grey.text,
                "looked_at": kind,
                "size": None if kind == "image" else self.size,
                "zoom": model_size(self.model.header) / self.size if kind == "objects" else 1.0,
                "device": str(execution.device),
                "precision": str(execution.dtype).removeprefix("torch."),
            },
            "versions": package_versions("napari-medt", "torch", "numpy"),
        }
