"""Deletion and insertion: the result should go when what a map marks is taken away, and come when it is shown.

Petsiuk et al. 2018 (arXiv 1806.07421), section 4.2, for classes and for segmentation. Blocks of the image are replaced
by a blurred image in the order of the map (deletion), or the blurred image is replaced by the image (insertion). A map
that marks what the network needs makes the result go, and come, sooner than blocks in random order do.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from src_models.auditing.figures import Curve, Gain, Order
from src_models.auditing.measures.cells import cell_means

__all__ = ["BLOCK", "FRACTIONS", "blurred", "compare_orders", "gradient_size", "ranking", "survival", "trace_orders"]

Foreground = Callable[[Tensor], Tensor]
Score = Callable[[Tensor], Tensor]

# Denser at the start: objects cover a small part of most images, and there the orders differ.
FRACTIONS = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
# Single pixels taken out at random leave a noise that no network was trained for and that spoils any result, so that
# every map would lose against chance. All orders therefore take blocks of about the size of a small object.
BLOCK = 8
# Wide enough that nothing of an object's outline is left, and still without a new edge or a new mean grey value.
BLUR = 1 / 8


def survival(found: Tensor, original: Tensor) -> Tensor:
    """Return how much of a prediction survives: ``S = 2 sum(p q) / (sum(p^2) + sum(q^2))``, shape (N,).

    This is the Dice coefficient for probabilities (Milletari et al. 2016, arXiv 1606.04797, equation 3): exactly 1 for
    p = q, 0 where nothing is found any more, and below 1 also where something new is found.

    Parameters
    ----------
    found
        Foreground probability p (N, H, W) with pixels removed.
    original
        Foreground probability q (H, W) of the unchanged image; not all 0.
    """
    p, q = found.double().flatten(1), original.double().flatten()
    return 2 * (p @ q) / (p.square().sum(1) + q.square().sum())


def blurred(picture: Tensor) -> Tensor:
    """Return an image (C, H, W) blurred by a Gaussian of an eighth of its longer side, reflected at its borders."""
    from scipy import ndimage

    sigma = max(picture.shape[1:]) * BLUR
    return torch.from_numpy(ndimage.gaussian_filter(picture.cpu().numpy(), (0, sigma, sigma), mode="reflect"))


def ranking(values: NDArray[np.floating], generator: np.random.Generator) -> NDArray[np.intp]:
    """Return flat indices from the largest value to the smallest; equal ones in random order."""
    flat = values.ravel()
    return np.lexsort((generator.random(flat.size), -flat))


def gradient_size(network: nn.Module, picture: Tensor, mask: Tensor, classes: int) -> NDArray[np.float32]:
    """Return ``sum_c |d sum_{i in M} f_i / d x_c|``, shape (H, W): how sharply the result answers to each pixel.

    Parameters
    ----------
    network
        In eval mode, with all that autograd needs (no folded norms).
    picture
        The network's input x (C, H, W).
    mask
        The pixels M (H, W) that are found; f is their probability of not being background.
    classes
        Number of classes among what the network gives.
    """
    x = picture[None].clone().requires_grad_(True)
    with torch.enable_grad():
        background = torch.softmax(network(x)[:, :classes].float(), dim=1)[0, 0]
        (gradient,) = torch.autograd.grad((1 - background)[mask].sum(), x)
    return np.asarray(gradient[0].abs().sum(0).cpu().numpy(), np.float32)


def compare_orders(
    foreground: Foreground,
    picture: Tensor,
    maps: Mapping[str, NDArray[np.float32]],
    *,
    seed: int = 0,
    random_orders: int = 3,
    fractions: tuple[float, ...] = FRACTIONS,
) -> Generator[str, None, tuple[Order, list[Order], float]]:
    """Trace deletion and insertion of every map and of random orders; one pass of the network after each step.

    Parameters
    ----------
    foreground
        Foreground probability (N, H, W) of network inputs (N, C, H, W).
    picture
        The network's input (C, H, W).
    maps
        Values (H, W) by name: what is removed and shown first has the largest.
    seed, random_orders
        Seed and number of the random orders, 2 or more.
    fractions
        Shares of the blocks, rising from 0 to 1.

    Yields
    ------
    str
        What is being done.

    Returns
    -------
    random : Order
        The mean of the random orders.
    orders : list of Order
        As `maps`.
    floor : float
        Survival with everything removed.
    """
    original = foreground(picture[None])[0]
    return (
        yield from trace_orders(
            lambda batch: survival(foreground(batch), original),
            picture,
            maps,
            seed=seed,
            random_orders=random_orders,
            fractions=fractions,
        )
    )


def trace_orders(
    score: Score,
    picture: Tensor,
    maps: Mapping[str, NDArray[np.float32]],
    *,
    seed: int = 0,
    random_orders: int = 3,
    fractions: tuple[float, ...] = FRACTIONS,
    block: int = BLOCK,
    at_once: int = 1,
) -> Generator[str, None, tuple[Order, list[Order], float]]:
    """Trace deletion and insertion of a score, such as the probability of a class.

    Parameters
    ----------
    score
        What is there of the result, 0 to 1, (N,), of network inputs (N, C, H, W).
    picture, maps, seed, random_orders, fractions
        As in :func:`compare_orders`.
    block
        Side (px) of the blocks.
    at_once
        Pictures that go through the network together.

    Yields
    ------
    str
        What is being done, after each pass.

    Returns
    -------
    random, orders, floor
        As in :func:`compare_orders`; the floor is the score with everything removed.
    """
    generator = np.random.default_rng(seed)
    grid = tuple(-(-size // block) for size in picture.shape[1:])
    values = {f"random {k}": generator.random(grid) for k in range(random_orders)}
    values |= {name: cell_means(map_, block) for name, map_ in maps.items()}
    baseline = blurred(picture).to(picture)
    whole, floor = (float(score(each[None])[0]) for each in (picture, baseline))
    traced = {}
    for name, of_blocks in values.items():
        order = ranking(of_blocks, generator)
        chosen = [_pixels(order[: round(fraction * order.size)], grid, picture, block) for fraction in fractions[1:-1]]
        mixed = [torch.where(each, *pair) for each in chosen for pair in ((baseline, picture), (picture, baseline))]
        scores: list[float] = []
        for some in torch.split(torch.stack(mixed), at_once) if mixed else ():
            scores += score(some).tolist()
            yield f"removing and showing pixels: {name}"
        traced[name] = (
            Curve.through(fractions, [whole, *scores[::2], floor]),
            Curve.through(fractions, [floor, *scores[1::2], whole]),
        )
    chance = [traced.pop(f"random {k}") for k in range(random_orders)]
    return _against_chance(chance, traced, floor)


def _pixels(blocks: NDArray[np.intp], grid: tuple[int, ...], picture: Tensor, side: int) -> Tensor:
    """Return the mask (H, W) of the pixels of these blocks."""
    chosen = torch.zeros(grid, dtype=torch.bool).flatten()
    chosen[torch.from_numpy(blocks)] = True
    spread = chosen.view(grid).repeat_interleave(side, 0).repeat_interleave(side, 1)
    return spread[: picture.shape[1], : picture.shape[2]].to(picture.device)


def _against_chance(
    chance: list[tuple[Curve, Curve]], traced: Mapping[str, tuple[Curve, Curve]], floor: float
) -> tuple[Order, list[Order], float]:
    deletions, insertions = zip(*chance, strict=True)
    spreads = [float(np.std([curve.area for curve in curves], ddof=1)) for curves in (deletions, insertions)]
    none = [Gain(0.0, spread) for spread in spreads]
    random = Order("random", _mean(deletions), _mean(insertions), none[0], none[1])
    orders = [
        Order(
            name,
            deletion,
            insertion,
            Gain(random.deletion.area - deletion.area, spreads[0]),
            Gain(insertion.area - random.insertion.area, spreads[1]),
        )
        for name, (deletion, insertion) in traced.items()
    ]
    return random, orders, floor


def _mean(curves: tuple[Curve, ...]) -> Curve:
    scores = np.mean([curve.scores for curve in curves], axis=0)
    return Curve.through(curves[0].fractions, [float(score) for score in scores])
