"""Which places of an image speak for a class, in a network that says what the image shows.

What is asked about a class is the logarithm of its odds, y = logit - log sum exp of the other logits: a logit alone
means nothing, since the same can be added to all.

Attention alone is the same whatever class is asked about. Here each weight counts as much as y grows with it (Chefer et
al. 2021, arXiv 2103.15679): of a layer's attention A, the mean over heads

    A' = mean_h (dy/dA * A)^+                                      (equation 5 there)

says how much each token takes for the class from each other one. Relevance is followed from the last features to the
image: a token's relevance goes in halves to itself, past the attention, and to those that it takes from, in proportion
to A' (equation 6 there, with rows of A' brought to a sum of 1 as in attention rollout, arXiv 2005.00928, so that
nothing is gained or lost on the way). Where a network has more than attention of all tokens to all:

* Attention in windows is a matrix whose other entries are 0; that of large and of small windows is added up.
* A token that was merged of several hands its relevance on to these in equal parts.
* Where two stages are fused, each is given what it contributes to y (gradient times features, without what speaks
  against the class).

It begins with what each place of the last features contributes to y, the bias shared by all places alike, without what
speaks against the class: where the mean of the features goes into a linear layer, class activation mapping (arXiv
1512.04150) with a zero that means something. Of networks without attention that is the whole answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from src_models.attention.placed_map import PlacedMap
from src_models.errors import UserError
from src_models.nets.classifier import Classifier
from src_models.nets.med_former.lgt import LocalGlobalBlock
from src_models.nets.med_former.network import MedFormer, Stage
from src_models.nets.network import stride_of
from src_models.nets.vit.network import VisionTransformer

__all__ = ["RELEVANCE", "ClassRelevance", "class_relevance"]

RELEVANCE = "class relevance"

# What modules gave in a pass, and the gradients of y with respect to that.
_Heard = Mapping[nn.Module, tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True, eq=False)
class ClassRelevance:
    """How much each place of N images speaks for a class.

    Parameters
    ----------
    classes
        (N,) The class that was asked about, counted from 0.
    probabilities
        (N, K) float32, of each class.
    cells
        (N, h, w) float32; 1 is the average of an image's cells. All are 0 where nothing speaks for the class.
    stride
        Pixels of the image, as the network saw it, per cell.
    size
        Height and width (px) of the images as the network saw them.
    first
        Where (px) the first cell's centre lies.
    """

    classes: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    cells: NDArray[np.float32]
    stride: int
    size: tuple[int, int]
    first: float

    def at_image_resolution(self) -> NDArray[np.float32]:
        """Return a value for each pixel that the network saw, (N, H, W): interpolated between the cells' centres."""
        rows, columns = (
            np.clip((np.arange(side) - self.first) / self.stride, 0, count - 1)[:, None] - np.arange(count)
            for side, count in zip(self.size, self.cells.shape[1:], strict=True)
        )
        down, across = (np.clip(1 - np.abs(apart), 0, None) for apart in (rows, columns))
        return np.asarray(down @ self.cells.astype(np.float64) @ across.T, np.float32)

    def placed(self, number: int, picture: Sequence[int], *, name: str = RELEVANCE) -> PlacedMap:
        """Return one image's map with its place on the picture that the image was made of.

        Parameters
        ----------
        number
            Of the image.
        picture
            Height and width (px) of the picture, which was resized until its longer side fitted and had room added
            alike at both ends of the shorter one; cells may lie in that room, beyond the picture.
        name
            The map's.
        """
        scale, translate = [], []
        for side, seen in zip(picture, self.size, strict=True):
            shown = max(1, round(side * seen / max(picture)))
            zoom, before = shown / side, (seen - shown) // 2
            scale.append(self.stride / zoom)
            translate.append((self.first + 0.5 - before) / zoom - 0.5)
        description = f"how much each place speaks for class {self.classes[number]} (1: average)"
        return PlacedMap(name, RELEVANCE, description, 1, self.cells[number], tuple(scale), tuple(translate))


def class_relevance(
    network: nn.Module, images: Tensor | NDArray[Any], classes: int | Sequence[int] | None = None
) -> ClassRelevance:
    """Return which places of images speak for a class.

    The network is left as it was: what listens to it is taken off again, and no gradients are kept.

    Parameters
    ----------
    network
        A network that says what a whole image shows, also one that was made ready to predict.
    images
        (N, C, H, W) float, as the network takes them.
    classes
        The class to ask about, counted from 0: one for all images, or one for each; None takes the likeliest of each.

    Raises
    ------
    UserError
        If the network is of another kind, or there is no such class.
    """
    if not isinstance(network, Classifier):
        raise UserError(
            f"{type(network).__name__} says what each pixel shows, not what a whole image shows: class relevance is "
            "for networks that classify"
        )
    weight = next(network.parameters())
    given = torch.as_tensor(np.asarray(images) if not isinstance(images, Tensor) else images)
    deepest = network.deepest()
    with torch.inference_mode(mode=False), torch.enable_grad(), _predicting(network):
        batch = given.to(weight.device, weight.dtype, copy=True).requires_grad_()  # so that weights need not learn
        with _listening([deepest, *_listened_to(network)]) as outputs:
            logits = network(batch)
        asked = _asked(logits, classes)
        odds = _log_odds(logits, asked)
        tensors = list(outputs.values())
        grads = torch.autograd.grad(odds.sum(), tensors, materialize_grads=True)
    heard = {
        module: (value.detach().double(), grad.double())
        for module, value, grad in zip(outputs, tensors, grads, strict=True)
    }
    evidence = _evidence(*heard[deepest], odds.detach().double())
    relevance, stride = _followed(network, heard, evidence, (batch.shape[2], batch.shape[3]))
    mean = relevance.mean((1, 2), keepdim=True)
    middle = network.first_centre if stride == stride_of(network) else None
    return ClassRelevance(
        classes=asked.cpu().numpy(),
        probabilities=torch.softmax(logits.detach().float(), dim=1).cpu().numpy(),
        cells=torch.where(mean > 0, relevance / mean, 0).float().cpu().numpy(),
        stride=stride,
        size=(batch.shape[2], batch.shape[3]),
        first=(stride - 1) / 2 if middle is None else middle,
    )


def _asked(logits: Tensor, classes: int | Sequence[int] | None) -> Tensor:
    if classes is None:
        return logits.detach().argmax(1)
    asked = torch.as_tensor(classes, dtype=torch.long, device=logits.device)
    if asked.ndim and len(asked) != len(logits):
        raise UserError(f"there are {len(logits)} images and {len(asked)} classes to ask about: give one for each")
    if int(asked.min()) < 0 or int(asked.max()) >= logits.shape[1]:
        raise UserError(f"the network tells the classes 0 to {logits.shape[1] - 1}, and {classes} is not among them")
    return asked.expand(len(logits))


def _log_odds(logits: Tensor, asked: Tensor) -> Tensor:
    """Return the logarithm of the odds of a class of each image, (N,); of the only class, its logit."""
    chosen = logits.gather(1, asked[:, None])[:, 0]
    if logits.shape[1] == 1:
        return chosen
    others = logits.masked_fill(F.one_hot(asked, logits.shape[1]).bool(), -torch.inf)
    return chosen - torch.logsumexp(others, dim=1)


def _listened_to(network: nn.Module) -> list[nn.Module]:
    """Return what is wanted of a pass besides the deepest features."""
    if isinstance(network, VisionTransformer):
        return [block.attention.matrix for block in network.layers]
    if not isinstance(network, MedFormer):
        return []
    wanted: list[nn.Module] = []
    for stage in network.phases:
        wanted += [attention.matrix for block in stage.transformers for attention in block.attentions]
        wanted += [] if stage.fusion is None else [stage.fusion.earlier, stage.fusion.later]
    return wanted


@contextmanager
def _listening(modules: Sequence[nn.Module]) -> Iterator[dict[nn.Module, Tensor]]:
    """Collect what modules give inside the ``with`` block."""
    outputs: dict[nn.Module, Tensor] = {}

    def keep(module: nn.Module, _inputs: tuple[Any, ...], output: Tensor) -> None:
        outputs[module] = output

    handles = [module.register_forward_hook(keep) for module in modules]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _predicting(network: nn.Module) -> Iterator[None]:
    """Leave out what is random in training, inside the ``with`` block."""
    training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(training)


def _evidence(features: Tensor, grad: Tensor, odds: Tensor) -> Tensor:
    """Return what each place of the deepest features (N, C, H, W) adds to y, of which it is the mean: (N, H, W)."""
    each = (features * grad).sum(1)
    whole = each.sum((1, 2))
    cells = each[0].numel()
    return (each * cells + (odds - whole)[:, None, None]).clamp_min(0)


def _contributed(heard: _Heard, module: nn.Module) -> Tensor:
    """Return what each place of features (N, H, W, C) contributes to y, without what speaks against it: (N, H, W)."""
    value, grad = heard[module]
    return (value * grad).sum(-1).clamp_min(0)


def _followed(network: nn.Module, heard: _Heard, evidence: Tensor, size: tuple[int, int]) -> tuple[Tensor, int]:
    """Follow relevance from the deepest features to the finest grid: (N, h, w), and the pixels per cell."""
    if isinstance(network, MedFormer):
        strides = [network.embedding.patch * 2**number for number in range(len(network.stages))]
        for stage, finer in zip(reversed(network.phases), [*reversed(strides[:-1]), None], strict=True):
            evidence = _through_stage(stage, heard, evidence)
            evidence = evidence if finer is None else _unmerged(evidence, _grid(size, finer))
        return evidence, strides[0]
    if isinstance(network, VisionTransformer):
        patch = network.embedding.patch
        return _through_layers(network, heard, evidence, _grid(size, patch)), patch
    return evidence, stride_of(network)


def _grid(size: tuple[int, int], stride: int) -> tuple[int, int]:
    return -(-size[0] // stride), -(-size[1] // stride)


def _through_stage(stage: Stage, heard: _Heard, relevance: Tensor) -> Tensor:
    """Return the relevance of what the blocks of a stage begin with, and of the stage before, from the result's."""
    of_earlier = torch.zeros_like(relevance)
    if stage.fusion is not None:
        earlier, later = (_contributed(heard, part) for part in (stage.fusion.earlier, stage.fusion.later))
        share = torch.where(earlier + later > 0, _over(earlier, earlier + later), 0.5)
        of_earlier, relevance = relevance * share, relevance * (1 - share)
    for block in reversed(stage.transformers):
        relevance = _through_windows(block, heard, relevance)
    return relevance + of_earlier  # the same cells are merged for the blocks and averaged for the fusion


def _through_windows(block: LocalGlobalBlock, heard: _Heard, relevance: Tensor) -> Tensor:
    """Return the relevance (N, H, W) of what goes into a block's attention, from that of its result."""
    grid = (relevance.shape[1], relevance.shape[2])
    each = [(attention.lattice(grid), _taken(heard, attention.matrix, 2)) for attention in block.attentions]
    total = torch.stack([lattice.from_windows(taken.sum(-1, keepdim=True)) for lattice, taken in each]).sum(0)
    weight = _over(relevance[..., None], total)  # N, H, W, 1
    handed = [
        lattice.from_windows(taken.transpose(2, 3) @ lattice.to_windows(weight))  # no place beyond the grid takes
        for lattice, taken in each
    ]
    return _halves(relevance, torch.stack(handed).sum(0)[..., 0], total[..., 0])


def _through_layers(network: VisionTransformer, heard: _Heard, evidence: Tensor, grid: tuple[int, int]) -> Tensor:
    """Return the relevance (N, h, w) of the patches that go into the first layer."""
    tokens = evidence.flatten(1)
    if network.token is not None:  # what is classified is this token alone
        tokens = F.pad(torch.ones_like(tokens), (0, grid[0] * grid[1]))
    for block in reversed(network.layers):
        taken = _taken(heard, block.attention.matrix, 1)
        total = taken.sum(-1)
        tokens = _halves(tokens, (_over(tokens, total)[:, None] @ taken)[:, 0], total)
    return tokens[:, int(network.token is not None) :].reshape(-1, *grid)


def _taken(heard: _Heard, matrix: nn.Module, heads: int) -> Tensor:
    """Return how much each query takes for the class from each key: A', the mean over the axis of heads."""
    value, grad = heard[matrix]
    return (value * grad).clamp_min(0).mean(heads)


def _over(part: Tensor, whole: Tensor) -> Tensor:
    """Return one over the other, and 0 where the other is."""
    return torch.where(whole > 0, part / whole.clamp_min(torch.finfo(whole.dtype).tiny), 0)


def _halves(relevance: Tensor, handed: Tensor, total: Tensor) -> Tensor:
    """Return half of what a token had and half of what was handed to it; all stays where nothing is taken."""
    return torch.where(total > 0, relevance / 2, relevance) + handed / 2


def _unmerged(relevance: Tensor, grid: tuple[int, int]) -> Tensor:
    """Hand relevance (N, h, w) of merged cells on to the cells (N, H, W) of a grid, in equal parts."""

    def spread(each: Tensor) -> Tensor:
        return each.repeat_interleave(2, -2).repeat_interleave(2, -1)[..., : grid[0], : grid[1]]

    there = F.pad(relevance.new_ones(1, *grid), (0, grid[1] % 2, 0, grid[0] % 2))
    return spread(relevance / F.avg_pool2d(there, 2, divisor_override=1))
