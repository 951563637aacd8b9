"""What Swin Transformer's own code computed: weights, inputs and results of single parts."""

import numpy as np
import torch
from safetensors.torch import load_file


def weights(shared, part):
    """Return the parameters of a part, in double precision, by their names without the part's."""
    stored = load_file(shared / "golden" / "swin_blocks.weights.safetensors")
    return {
        name.removeprefix(f"{part}."): tensor.double()
        for name, tensor in stored.items()
        if name.startswith(f"{part}.") and tensor.is_floating_point()
    }


def values(shared, name):
    """Return an input or a result."""
    with np.load(shared / "golden" / "swin_blocks.io.npz") as stored:
        return torch.from_numpy(stored[name]).double()
