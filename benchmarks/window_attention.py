"""Attention in windows as networks use it to predict, against the equation as it is usually written.

The usual way: roll the grid, cut it into windows, scale queries, multiply with keys, look B up in its table, add it and
the mask, softmax, multiply with values, put windows back, roll back. Ours: one gather of rows to windows, torch's
``scaled_dot_product_attention`` with what B and mask are once a network only predicts, one gather back. Both are given
the same projections (queries, keys, values), which cost the same either way; what the whole layer gains, with its two
linear layers, is told beside it.

Blocks come in pairs, of windows that are not shifted and windows that are; a row is the sum of both, as far as the
grid has more than one window.

Run as ``python -m benchmarks.window_attention``; with one or two threads (``--threads 1 2``) and batches (``--batches 1
32``).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from benchmarks.machine import report, seconds
from src_models.computing.memory import reused_memory
from src_models.nets.med_former.windows import WindowAttention

# What the two sizes use at 72 px and at 224 px: channels, heads, cells of a window, cells of the grid.
SIZES = {
    "small, 72 px": ((32, 2, 6, 18), (32, 2, 3, 18), (64, 4, 3, 9), (128, 8, 5, 5)),
    "paper, 224 px": ((96, 3, 7, 56), (96, 3, 4, 56), (192, 6, 7, 28), (384, 12, 7, 14)),
}
REPEATS = {1: 21, 32: 3}


class Usual:
    """Attention in windows as it is usually written, with the weights of one of ours."""

    def __init__(self, ours: WindowAttention, side: int) -> None:
        self.ours, self.window, self.heads = ours, ours.window, ours.heads
        self.shift = self.window // 2 if ours.shifted and side > self.window else 0
        self.offsets = ours.lattice((self.window, self.window)).offsets(self.window, torch.device("cpu")).flatten()
        region = torch.arange(side).sub(self.shift).div(self.window, rounding_mode="floor")
        region = torch.roll(region, -self.shift)
        regions = self.cut((region[:, None] * side + region)[None, ..., None])[..., 0]
        self.mask = torch.where(regions[:, None] != regions[:, :, None], -100.0, 0.0)

    def cut(self, x: Tensor) -> Tensor:
        """Cut (N, H, W, C) into windows (N * windows, places, C)."""
        images, height, width, channels = x.shape
        side = self.window
        x = x.view(images, height // side, side, width // side, side, channels)
        return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, side * side, channels)

    def windows(self, x: Tensor) -> Tensor:
        """Bring features into windows."""
        return self.cut(torch.roll(x, (-self.shift, -self.shift), (1, 2)) if self.shift else x)

    def attend(self, qkv: Tensor, images: int) -> Tensor:
        """Attend: (N * windows, places, 3 C) to (N * windows, places, C)."""
        count, places, channels = qkv.shape
        query, key, value = qkv.view(count, places, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        weights = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
        bias = self.ours.relative_position_bias_table[self.offsets].view(places, places, self.heads)
        weights = weights + bias.permute(2, 0, 1)[None]
        if self.shift:
            of_images = weights.view(images, -1, self.heads, places, places) + self.mask[None, :, None]
            weights = of_images.view(count, self.heads, places, places)
        return (weights.softmax(-1) @ value).transpose(1, 2).reshape(count, places, channels // 3)

    def back(self, windows: Tensor, like: Tensor) -> Tensor:
        """Bring windows back to the grid."""
        images, height, width, channels = like.shape
        side = self.window
        x = windows.view(images, height // side, width // side, side, side, channels)
        x = x.permute(0, 1, 3, 2, 4, 5).reshape(images, height, width, channels)
        return torch.roll(x, (self.shift, self.shift), (1, 2)) if self.shift else x

    def __call__(self, x: Tensor) -> Tensor:
        """Apply the whole layer."""
        mixed = self.attend(self.ours.qkv(self.windows(x)), len(x))
        return self.back(self.ours.proj(mixed), x)


def measured(channels: int, heads: int, window: int, side: int, batch: int) -> tuple[float, float, float, float]:
    """Return seconds of a pair of layers: the usual way and ours without projections, then with them."""
    sums = [0.0, 0.0, 0.0, 0.0]
    for shifted in (False, True):
        ours = WindowAttention(channels, heads, window, shifted=shifted, name="window", level=1, stride=4).eval()
        torch.nn.init.normal_(ours.relative_position_bias_table)
        ours.fold()
        usual = Usual(ours, side)
        x = torch.randn(batch, side, side, channels)
        between = _between(ours, usual, x)
        whole = (lambda usual=usual, x=x: usual(x), lambda ours=ours, x=x: ours(x))
        for one, other in (between, whole):
            torch.testing.assert_close(one(), other(), rtol=1e-3, atol=1e-4)
        clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
        times = seconds(*between, *whole, repeats=REPEATS[batch], clock=clock)
        sums = [one + other for one, other in zip(sums, times, strict=True)]
    return sums[0], sums[1], sums[2], sums[3]


def _between(ours: WindowAttention, usual: Usual, x: Tensor) -> tuple[Callable[[], Tensor], Callable[[], Tensor]]:
    """Return what both do between the projections, which are made before."""
    lattice = ours.lattice((x.shape[1], x.shape[2]))
    of_usual = ours.qkv(usual.windows(x))
    of_ours = ours.projected(x, lattice)

    def usually() -> Tensor:
        usual.windows(x)
        return usual.back(usual.attend(of_usual, len(x)), x)

    def as_here() -> Tensor:
        lattice.to_windows(x)
        return lattice.from_windows(ours.mixed(of_ours, lattice))

    return usually, as_here


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 32], choices=REPEATS)
    parser.add_argument("--note", default="", help="what a reader must know of this run")
    chosen = parser.parse_args(arguments)
    torch.manual_seed(0)
    rows = []
    with torch.inference_mode(), reused_memory():
        for threads in chosen.threads:
            torch.set_num_threads(threads)
            for name, layers in SIZES.items():
                for channels, heads, window, side in layers:
                    for batch in chosen.batches:
                        usual, ours, usual_layer, our_layer = measured(channels, heads, window, side, batch)
                        what = (
                            f"{name}: {side} x {side} cells, windows of {window}, {heads} heads of {channels // heads}"
                        )
                        rows.append(
                            [
                                what,
                                threads,
                                batch,
                                f"{usual * 1e3:.2f} ms",
                                f"{ours * 1e3:.2f} ms",
                                f"{usual / ours:.2f}",
                                f"{usual_layer / our_layer:.2f}",
                            ]
                        )
                        print(*rows[-1], sep=" | ", flush=True)
    columns = ("layer", "threads", "images", "as usual", "here", "times as fast", "the whole layer")
    report("window_attention", columns, rows, {"note": chosen.note} if chosen.note else None)


if __name__ == "__main__":
    main()
