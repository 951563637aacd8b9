"""Auditing what a model of classes goes by: what speaks for the class it tells, and where it looks.

Asked about is always the class that the network told of the unchanged picture. What goes when pixels are removed is
its probability (:mod:`src_models.auditing.measures.curves`), at random, by the input gradient, and from the middle of
the picture outwards: an object that is classified lies there, so a map can look right that only marks the middle.
Weights are made random (:mod:`~src_models.auditing.measures.randomisation`), and where it is known where the object
lies, the pointing game is played (:mod:`~src_models.auditing.measures.pointing`), also by nearness to the middle.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from src_models.auditing.classes.audited_pictures import AuditedPicture
from src_models.auditing.classes.class_maps import ClassMaps, MapsOfPictures, choose_class_maps
from src_models.auditing.counted_steps import CountedSteps
from src_models.auditing.figures import Gain, MapAudit, Order, Pointing, Randomisation, ToldClasses
from src_models.auditing.measures.curves import BLOCK, FRACTIONS, trace_orders
from src_models.auditing.measures.pointing import pointing
from src_models.auditing.measures.randomisation import Layer, layers_from_output, randomise_layers
from src_models.auditing.report.averaging import average
from src_models.auditing.results import Audit
from src_models.classifying.asking import PIXELS, check_classifies
from src_models.classifying.relevance import RELEVANCE
from src_models.computing.execution import choose_execution
from src_models.errors import UserError
from src_models.models.architectures import create
from src_models.models.checkpoint import Model
from src_models.progress import Progress

__all__ = ["class_gradient", "middle_first", "pictures_audit_steps"]

RANDOM_ORDERS = 3
GRADIENT, MIDDLE = "input gradient", "nearness to the middle"
_BLOCKS_A_SIDE = 9  # of small pictures, blocks are smaller: there are about as many as of 72 px

_Steps = Generator[Progress, None, Audit]


def pictures_audit_steps(
    pictures: Sequence[AuditedPicture],
    model: Model,
    *,
    what: str = "pictures",
    maps: Collection[str] | None = None,
    device: str = "auto",
    seed: int = 0,
    name: str = "the image",
) -> _Steps:
    """Measure whether maps of what a model of classes saw are true; closing the generator cancels.

    Parameters
    ----------
    pictures
        What it saw; at least one.
    model
        Of classes.
    what
        What the pictures show: ``"objects"``, ``"tiles"``, ``"planes"`` or ``"pictures"``.
    maps
        Names of maps: ``"class relevance"``, and attention maps of the network; None takes that and the usual ones.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    seed
        Of all that is drawn at random.
    name
        What to call the image or the set.

    Yields
    ------
    Progress
        After each pass of the network, or a few.

    Returns
    -------
    Audit
        The mean over the pictures.

    Raises
    ------
    UserError
        If the model does not tell classes, has no such map, or there are no pictures.
    """
    check_classifies(model.header)
    names = choose_class_maps(model.header, maps)
    if not pictures:
        raise UserError(f"{name} holds nothing to tell the class of, so there is nothing to audit")
    return (yield from _Run(pictures, model, names, what, device, seed, name).steps())


def class_gradient(network: nn.Module, pictures: Tensor, classes: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return ``sum_c |d log p_k / d x_c|``, (N, H, W): how sharply each picture's class k answers to each pixel.

    Parameters
    ----------
    network
        In eval mode, with all that autograd needs.
    pictures
        (N, C, H, W) The network's inputs x.
    classes
        (N,) The classes k.
    """
    x = pictures.clone().requires_grad_(True)
    with torch.enable_grad():
        said = torch.log_softmax(network(x).float(), dim=1)
        asked = said.gather(1, torch.as_tensor(classes, device=said.device)[:, None])
        (gradient,) = torch.autograd.grad(asked.sum(), x)
    return np.asarray(gradient.abs().sum(1).cpu().numpy(), np.float32)


def middle_first(height: int, width: int) -> NDArray[np.float32]:
    """Return (H, W) values that are largest in the middle and fall with the distance from it.

    >>> middle_first(3, 1)[:, 0].tolist()
    [-1.0, 0.0, -1.0]
    """
    rows, columns = (np.arange(side) - (side - 1) / 2 for side in (height, width))
    return np.asarray(0.0 - np.hypot(rows[:, None], columns[None, :]), np.float32)


class _Run:
    """One call of :func:`pictures_audit_steps`."""

    def __init__(
        self,
        pictures: Sequence[AuditedPicture],
        model: Model,
        names: list[str],
        what: str,
        device: str,
        seed: int,
        name: str,
    ) -> None:
        self.pictures, self.model, self.names, self.what, self.seed, self.name = (
            pictures,
            model,
            names,
            what,
            seed,
            name,
        )
        self.device = choose_execution(device).device
        self.network = copy.deepcopy(model.network).eval().requires_grad_(False).to(self.device)
        self.batch = torch.from_numpy(np.stack([one.values for one in pictures])).to(self.device)
        self.size = int(self.batch.shape[-1])
        usual = PIXELS.get(self.device.type, PIXELS["cpu"])
        self.at_once = max(1, usual // self.size**2)
        self._steps = CountedSteps()

    def steps(self) -> _Steps:
        said = torch.cat([self._probabilities(some) for some in torch.split(self.batch, self.at_once)]).cpu().numpy()
        told = said.argmax(axis=1)
        look = ClassMaps(self.batch, told, self.names, at_once=self.at_once)
        found = look.described(self.network)
        layers = [layer._replace(matters=True) for layer in self._layers()]  # what speaks for a class hears all of them
        passes = -(-2 * (len(FRACTIONS) - 2) // self.at_once)
        self._steps.total = 1 + len(layers) + len(self.pictures) * passes * (RANDOM_ORDERS + 2 + len(self.names))
        yield self._steps.step("looking at the pictures")
        gradients = np.concatenate(
            [
                class_gradient(self.network, some, told[first : first + self.at_once])
                for first, some in zip(
                    range(0, len(told), self.at_once), torch.split(self.batch, self.at_once), strict=True
                )
            ]
        )
        traced = []
        for number in range(len(self.pictures)):
            orders = self._orders(number, found, gradients[number], int(told[number]))
            traced.append((yield from self._steps.reporting(orders)))
        randomised = yield from self._steps.reporting(randomise_layers(self.network, self._untrained(), layers, look))
        audits = [
            self._audit(number, float(said[number, told[number]]), traced[number], found, randomised)
            for number in range(len(self.pictures))
        ]
        counts = np.bincount(told, minlength=len(self.model.header.classes)).tolist()
        classes = ToldClasses(self.what, self.size, dict(zip(self.model.header.classes, counts, strict=True)))
        return replace(average(audits, self.name), told=classes)

    def _probabilities(self, pictures: Tensor) -> Tensor:
        with torch.inference_mode():
            return torch.softmax(self.network(pictures).float(), dim=1)

    def _layers(self) -> list[Layer]:
        return layers_from_output(self.network, self.batch[:1], [name for name in self.names if name != RELEVANCE])

    def _orders(
        self, number: int, found: dict[str, MapsOfPictures], gradient: NDArray[np.float32], asked: int
    ) -> Generator[str, None, tuple[Order, list[Order], float]]:
        shape = (self.size, self.size)
        orders = {name: maps.pixels[number] for name, maps in found.items()}
        orders |= {GRADIENT: gradient, MIDDLE: middle_first(*shape)}
        score: Callable[[Tensor], Tensor] = lambda batch: self._probabilities(batch)[:, asked]  # noqa: E731
        return trace_orders(
            score,
            self.batch[number],
            orders,
            seed=self.seed + number,
            random_orders=RANDOM_ORDERS,
            fractions=FRACTIONS,
            block=max(2, min(BLOCK, round(self.size / _BLOCKS_A_SIDE))),
            at_once=self.at_once,
        )

    def _audit(
        self,
        number: int,
        probability: float,
        traced: tuple[Order, list[Order], float],
        found: dict[str, MapsOfPictures],
        randomised: dict[str, list[Randomisation]],
    ) -> Audit:
        """Return the audit of one picture."""
        random, orders, floor = traced
        by_name = {order.name: order for order in orders}
        middle = by_name[MIDDLE]
        shape = (self.size, self.size)
        maps = [
            MapAudit(
                name,
                one.kind,
                one.description,
                by_name[name],
                randomised[name][number],
                self._pointing(number, one.pixels[number]),
                _against(by_name[name], middle),
            )
            for name, one in found.items()
        ]
        return Audit(
            name=self.pictures[number].name,
            model=self.model.header.name,
            images=1,
            region=(0, 0, *shape),
            whole=True,
            zoom=1.0,
            found=probability,
            floor=floor,
            random=random,
            references=(by_name[GRADIENT], middle),
            maps=tuple(maps),
            pointings=(None, self._pointing(number, middle_first(*shape))),
        )

    def _pointing(self, number: int, pixels: NDArray[np.float32]) -> Pointing | None:
        inside = self.pictures[number].inside
        if inside is None or not inside.any():
            return None
        return pointing(pixels, 1, inside, np.random.default_rng(self.seed + number))

    def _untrained(self) -> nn.Module:
        """Return the network as it was before training; the machine's own random numbers stay as they are."""
        header = self.model.header
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            return create(header.architecture, **header.config).eval().to(self.device)


def _against(order: Order, middle: Order) -> tuple[Gain, Gain]:
    """Return by how much an order does better than one from the middle outwards."""
    return (
        Gain(middle.deletion.area - order.deletion.area, order.deletion_gain.uncertainty),
        Gain(order.insertion.area - middle.insertion.area, order.insertion_gain.uncertainty),
    )
