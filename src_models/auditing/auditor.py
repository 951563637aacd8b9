"""Auditing a model's attention on one image.

>>> import numpy as np
>>> from src_models.models.architectures import create
>>> from src_models.models.checkpoint import Model
>>> from src_models.models.header import ModelHeader
>>> config = {"in_channels": 1, "classes": 2, "widths": (4, 8, 8)}
>>> header = ModelHeader(name="tiny", purpose="an example", architecture="attention-unet", config=config,
...                      classes=("background", "cell"), channels=("grey",))
>>> network = create("attention-unet", **config)
>>> _ = network.final.bias.data.copy_(torch.tensor([-2.0, 2.0]))  # it finds cells everywhere
>>> found = audit(np.eye(50), Model(network.eval(), header), device="cpu")
>>> [(one.name, len(one.order.deletion.scores)) for one in found.maps]
[('gate 2', 8)]
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Generator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from src_models.auditing.classes.image_audit import image_classes_audit_steps
from src_models.auditing.counted_steps import CountedSteps
from src_models.auditing.figures import BlockInfluence, MapAudit, ObjectAttention, Pointing
from src_models.auditing.measures.cells import to_pixels
from src_models.auditing.measures.curves import FRACTIONS, compare_orders, gradient_size
from src_models.auditing.measures.influence import QUERIES, audit_influence
from src_models.auditing.measures.object_attention import look_at_objects, queries_in_objects
from src_models.auditing.measures.pointing import pointing
from src_models.auditing.measures.randomisation import layers_from_output, randomise
from src_models.auditing.recorded import RecordedMap, record_maps
from src_models.auditing.results import Audit
from src_models.auditing.view import NothingFoundError, View, view_of
from src_models.errors import UserError
from src_models.images.axes import AxesReading
from src_models.images.grey.grey_range import GreyRange
from src_models.models.architectures import choose_attention, create, find_architecture, usual_attention
from src_models.models.checkpoint import Model
from src_models.nets.axial.attention import axial_blocks
from src_models.probing.probes import open_probe
from src_models.progress import Progress, finish

__all__ = ["audit", "audit_steps"]

RANDOM_ORDERS = 3

REFERENCES = ("input gradient", "the result itself")


def audit(
    image: Any,
    model: Model,
    *,
    labels: Any = None,
    maps: Collection[str] | None = None,
    axes: str | AxesReading | None = None,
    grey_range: GreyRange | None = None,
    plane: tuple[int, ...] | None = None,
    device: str = "auto",
    seed: int = 0,
    name: str = "the image",
    on_progress: Callable[[Progress], None] | None = None,
) -> Audit:
    """Audit a model's attention on an image; see :func:`audit_steps`, of which this is the whole run in one call."""
    steps = audit_steps(
        image,
        model,
        labels=labels,
        maps=maps,
        axes=axes,
        grey_range=grey_range,
        plane=plane,
        device=device,
        seed=seed,
        name=name,
    )
    return finish(steps, on_progress)


def audit_steps(
    image: Any,
    model: Model,
    *,
    labels: Any = None,
    maps: Collection[str] | None = None,
    axes: str | AxesReading | None = None,
    grey_range: GreyRange | None = None,
    plane: tuple[int, ...] | None = None,
    device: str = "auto",
    seed: int = 0,
    name: str = "the image",
) -> Generator[Progress, None, Audit]:
    """Measure whether attention maps are true, a pass of the network after each step; closing cancels.

    Four measures: deletion and insertion (:mod:`src_models.auditing.measures.curves`), randomisation
    (:mod:`~src_models.auditing.measures.randomisation`), with labels the pointing game
    (:mod:`~src_models.auditing.measures.pointing`, :mod:`~src_models.auditing.measures.object_attention`), and for
    axial attention the influence of single positions (:mod:`~src_models.auditing.measures.influence`).

    Parameters
    ----------
    image, axes, grey_range, device, name
        As in :func:`src_models.segment_steps`. The middle of one plane is audited, at most 256 x 256 px and no more
        than a tile of the model.
    model
        A 2D model that has attention maps, or one of classes: of that, what it says of the objects of `labels` is
        audited, or of the plane as a whole (:mod:`src_models.auditing.classes.class_auditor`).
    labels
        Objects that people drew, in the image's axes without channels, or of the one plane; None leaves out the
        pointing game.
    maps
        Names of attention maps; None takes the usual ones of the architecture.
    plane
        Position along the axes besides height and width; None takes the first.
    seed
        Of all that is drawn at random.

    Yields
    ------
    Progress
        After each pass of the network, or a few.

    Returns
    -------
    Audit
        When the generator is exhausted.

    Raises
    ------
    UserError
        If the model has no attention, no such map or is a 3D one, or finds nothing in the part that is audited.
    ImageError
        If image, labels and model do not fit.
    """
    if model.header.use == "classify":
        return (
            yield from image_classes_audit_steps(
                image,
                model,
                labels=labels,
                maps=maps,
                axes=axes,
                grey_range=grey_range,
                plane=plane,
                device=device,
                seed=seed,
                name=name,
            )
        )
    view = view_of(image, model, labels=labels, axes=axes, grey_range=grey_range, plane=plane, device=device, name=name)
    run = _Run(image, model, view, _names(model, maps), axes, grey_range, device, seed, name)
    return (yield from run.steps())


def _names(model: Model, maps: Collection[str] | None) -> list[str]:
    header = model.header
    wanted = usual_attention(header.architecture, header.config) if maps is None else maps
    names = choose_attention(header, wanted)
    if not names:
        raise UserError(f"the model {header.name!r} has no attention map to audit; choose a model with attention")
    return names


class _Run:
    """The state of one call of :func:`audit_steps`."""

    def __init__(
        self,
        image: Any,
        model: Model,
        view: View,
        names: list[str],
        axes: str | AxesReading | None,
        grey_range: GreyRange | None,
        device: str,
        seed: int,
        name: str,
    ) -> None:
        self.image, self.model, self.view, self.names = image, model, view, names
        self.axes, self.grey_range, self.device, self.seed, self.name = axes, grey_range, device, seed, name
        self.network = copy.deepcopy(model.network).eval().requires_grad_(False).to(view.execution.device)
        self.batch = view.picture[None]
        self._steps = CountedSteps()

    def steps(self) -> Generator[Progress, None, Audit]:
        foreground = self.view.foreground(self.batch)[0]
        mask = foreground >= self.view.threshold
        if not mask.any():
            raise NothingFoundError(
                f"the model {self.model.header.name!r} finds nothing in the middle of {self.name}, so there is no "
                "result to explain; choose another image, or cut it so that objects are in its middle"
            )
        maps = record_maps(self.network, self.batch, self.names)
        self._steps.total = self._count(len(maps))
        yield self._steps.step("looking at the image")
        shape = tuple(self.batch.shape[2:])
        gradient = gradient_size(self.network, self.view.picture, mask, self.view.classes)
        yield self._steps.step("finding the input gradient")
        orders = {name: to_pixels(map_.values, map_.stride, shape) for name, map_ in maps.items()}
        orders |= dict(zip(REFERENCES, (gradient, foreground.cpu().numpy()), strict=True))
        compared = compare_orders(
            self.view.foreground,
            self.view.picture,
            orders,
            seed=self.seed,
            random_orders=RANDOM_ORDERS,
            fractions=FRACTIONS,
        )
        random, traced, floor = yield from self._steps.reporting(compared)
        randomised = yield from self._steps.reporting(
            randomise(self.network, self._untrained(), self.batch, self.names)
        )
        looks = yield from self._looks()
        influences = yield from self._influences()
        by_name = {order.name: order for order in traced}
        audits = [
            MapAudit(name, map_.kind, map_.description, by_name[name], randomised[name], self._pointing(map_))
            for name, map_ in maps.items()
        ]
        (top, left), (height, width) = zip(*((s.start, s.stop - s.start) for s in self.view.region), strict=True)
        return Audit(
            name=self.name,
            model=self.model.header.name,
            images=1,
            region=(top, left, height, width),
            whole=self.view.whole,
            zoom=self.view.zoom,
            found=float(mask.float().mean()),
            floor=floor,
            random=random,
            references=tuple(by_name[name] for name in REFERENCES),
            maps=tuple(audits),
            looks=looks,
            influences=influences,
        )

    def _count(self, maps: int) -> int:
        """Return the number of steps."""
        orders = RANDOM_ORDERS + len(REFERENCES) + maps
        record, config = find_architecture(self.model.header.architecture), self.model.header.config
        looks = len(record.blocks(config)) + len(record.branches(config)) if self._objects() is not None else 0
        layers = len(layers_from_output(self.network, self.batch, self.names))
        return 2 + 2 * orders * (len(FRACTIONS) - 2) + layers + looks + QUERIES * len(self._audited_blocks())

    def _untrained(self) -> nn.Module:
        """Return the network as it was before training; the machine's own random numbers stay as they are."""
        header = self.model.header
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            return create(header.architecture, **header.config).to(self.view.execution.device)

    def _objects(self) -> NDArray[Any] | None:
        """Return the objects in view, or None where there are none."""
        objects = self.view.objects
        return objects if objects is not None and (objects > 0).any() else None

    def _pointing(self, map_: RecordedMap) -> Pointing | None:
        objects = self._objects()
        if objects is None:
            return None
        return pointing(map_.values, map_.stride, objects > 0, np.random.default_rng(self.seed))

    def _looks(self) -> Generator[Progress, None, tuple[ObjectAttention, ...]]:
        labels, view = self.view.labels, self.view
        if self._objects() is None or labels is None:
            return ()
        probe = open_probe(
            self.image,
            self.model,
            axes=self.axes,
            grey_range=self.grey_range,
            zoom=view.zoom,
            device=self.device,
            name=self.name,
        )
        if probe is None:
            return ()
        queries = queries_in_objects(labels, view.region, np.random.default_rng(self.seed))
        return (yield from self._steps.reporting(look_at_objects(probe, labels, queries, view.plane)))

    def _audited_blocks(self) -> list[str]:
        """Return the axial blocks that the audited maps belong to."""
        return [block for block in axial_blocks(self.network) if any(n.startswith(f"{block} ") for n in self.names)]

    def _influences(self) -> Generator[Progress, None, tuple[BlockInfluence, ...]]:
        steps = audit_influence(self.network, self.batch, self._audited_blocks(), seed=self.seed)
        return (yield from self._steps.reporting(steps))
