"""The module that guides, against the authors' own."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from src_models.models.official_guided import renamed
from src_models.nets.guided.semantics import SemanticModule


@pytest.mark.parametrize("name", ["semantic", "semantic_odd"])
def test_code_and_rebuilt_features_are_the_authors(shared, name):
    weights = load_file(shared / "golden" / "msa_modules.weights.safetensors")
    theirs = {
        key.replace(f"{name}.", "semanticModule_1_1.", 1): tensor
        for key, tensor in weights.items()
        if key.startswith(f"{name}.")
    }
    ours = {key.removeprefix("semantics.0.0."): tensor for key, tensor in renamed(theirs).items()}
    module = SemanticModule(8).double().eval()
    module.load_state_dict(ours)
    with np.load(shared / "golden" / "msa_modules.io.npz") as stored:
        x, vector, rebuilt = (torch.from_numpy(stored[f"{name}.{key}"]).double() for key in ("x", "vec", "y"))
    with torch.inference_mode():
        found = module(x)
    torch.testing.assert_close(found.code.flatten(), vector, rtol=0, atol=1e-5)
    torch.testing.assert_close(found.rebuilt, rebuilt, rtol=0, atol=1e-5)


def test_features_of_any_size_are_rebuilt_at_their_size():
    module = SemanticModule(4).eval()
    with torch.inference_mode():
        found = module(torch.randn(1, 4, 11, 14))
    assert found.rebuilt.shape == (1, 4, 11, 14)
    assert found.code.shape == (1, 16, 2, 3)
