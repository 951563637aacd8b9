"""What every block of a transformer has beside its attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["FinalNorm", "Mlp", "StochasticDepth", "initialise", "rising_rates"]


class Mlp(nn.Module):
    """Two linear layers and a GELU between them, for each token by itself.

    Parameters
    ----------
    channels
        Of the tokens.
    ratio
        How many times as many the hidden layer has.
    """

    def __init__(self, channels: int, ratio: float = 4.0) -> None:
        super().__init__()
        hidden = int(channels * ratio)
        self.fc1 = nn.Linear(channels, hidden)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:  # (..., channels) -> (..., channels)
        """Apply the layers."""
        return self.fc2(self.act(self.fc1(x)))  # type: ignore[no-any-return]


class StochasticDepth(nn.Module):
    """In training, what a branch adds is left out for some images at random (Huang et al. 2016, arXiv 1603.09382).

    Parameters
    ----------
    rate
        Probability to be left out; what stays is divided by what is left of 1, so that the mean is the same.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f"drop_path {rate!r} must be at least 0 and below 1")
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:  # (N, ...) -> (N, ...)
        """Leave out, or not."""
        if not self.training or self.rate == 0:
            return x
        kept = torch.rand((len(x), *[1] * (x.ndim - 1)), device=x.device) >= self.rate
        return x * kept.to(x.dtype) / (1 - self.rate)


def rising_rates(last: float, blocks: int) -> list[float]:
    """Return a rate of stochastic depth for each block: 0 for the first, `last` for the last, evenly between."""
    return [last * number / max(1, blocks - 1) for number in range(blocks)]


class FinalNorm(nn.LayerNorm):
    """The last norm, which gives features as convolutions do: (N, H, W, C) becomes (N, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each token, and put channels first."""
        return super().forward(x).permute(0, 3, 1, 2)


def initialise(network: nn.Module) -> None:
    """Draw weights of linear layers from a normal distribution of variance 1 / inputs, cut at 2 deviations.

    Biases are 0. The usual deviation of 0.02 is for some hundred channels: with 16 or 32, what a block adds is so
    little that nothing is learnt for hundreds of steps.
    """
    for module in network.modules():
        if isinstance(module, nn.Linear):
            deviation = module.in_features**-0.5
            nn.init.trunc_normal_(module.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
