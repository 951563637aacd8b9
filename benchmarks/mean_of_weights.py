"""The mean of the weights of models of one network, often better than each (Izmailov et al. 2018, arXiv 1803.05407).

    python -m benchmarks.mean_of_weights A.safetensors B.safetensors OUT.safetensors

The models are stops of one way: later ones began with earlier ones. Whole numbers, such as the batches that a norm has
seen, and the header are the last model's.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from src_models.models.checkpoint import Model, load, save


def mean_of(models: list[Model]) -> Model:
    """Return the mean; its header says of how many.

    Raises
    ------
    KeyError
        If the networks are not alike.
    """
    last = models[-1]
    weights = [model.network.state_dict() for model in models]
    mean = {
        name: torch.stack([each[name].double() for each in weights]).mean(0).to(own.dtype)
        if own.is_floating_point()
        else own
        for name, own in weights[-1].items()
    }
    last.network.load_state_dict(mean)
    return Model(last.network, replace(last.header, training={**last.header.training, "mean_of": len(models)}))


def main() -> None:
    """Read models, and write their mean."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    print(save(mean_of([load(path) for path in given.models]), given.out))


if __name__ == "__main__":
    main()
