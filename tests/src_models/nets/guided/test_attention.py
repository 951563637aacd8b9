"""Position and channel attention against the authors' own modules, against brute force, and in what they allocate."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from src_models.nets.guided.attention import (
    AttentionBranch,
    ChannelAttention,
    PositionAttention,
    attention_received,
    looks_from,
)
from src_models.nets.guided.taps import MapTaps

TAPS = MapTaps(1, 1)


@pytest.fixture(scope="module")
def golden(shared):
    """Inputs, outputs and weights of the authors' modules."""
    from safetensors.torch import load_file

    with np.load(shared / "golden" / "msa_modules.io.npz") as stored:
        arrays = {key: torch.from_numpy(stored[key]) for key in stored.files}
    return arrays, load_file(shared / "golden" / "msa_modules.weights.safetensors")


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def randomise(module, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.3
    return module.double().eval()


def check(found, wanted):
    """The stored results are in single precision."""
    torch.testing.assert_close(found, wanted.double(), rtol=0, atol=2e-5 * float(wanted.abs().max()))


def in_our_names(weights, prefix):
    """Return a module's weights in our names, in double precision."""
    layers = {"0": "before.conv", "1": "before.norm", "2": "before.activation"}
    layers |= {"4": "after.conv", "5": "after.norm", "6": "after.activation"}
    found = {}
    for name, tensor in weights.items():
        if not name.startswith(f"{prefix}."):
            continue
        rest = name.removeprefix(f"{prefix}.").replace("_conv", "")
        if rest.startswith("attn."):
            _, number, leaf = rest.split(".", 2)
            rest = f"attention.{leaf}" if number == "3" else f"{layers[number]}.{leaf}"
        found[rest] = tensor.double() if tensor.is_floating_point() else tensor
    return found


@pytest.mark.parametrize("kind", ["pam", "cam"])
def test_attention_is_the_authors(golden, kind):
    arrays, weights = golden
    module = (
        PositionAttention(16, received=TAPS.received())
        if kind == "pam"
        else ChannelAttention(inverted=True, matrix=TAPS.channels())
    )
    module.double().load_state_dict(in_our_names(weights, kind))
    with torch.inference_mode():
        check(module(arrays[f"{kind}.x"].double()), arrays[f"{kind}.y"])


@pytest.mark.parametrize(("kind", "name"), [("position", "pam_layer"), ("channel", "cam_layer")])
def test_a_branch_is_the_authors(golden, kind, name):
    arrays, weights = golden
    branch = AttentionBranch(16, kind, inverted=True, taps=TAPS).double().eval()
    branch.load_state_dict(in_our_names(weights, name))
    with torch.inference_mode():
        check(branch(arrays[f"{name}.x"].double()), arrays[f"{name}.y"])


def brute_force(module, x):
    """Return attention and result of position attention, place by place, in NumPy."""
    weights = {name: parameter.detach().numpy() for name, parameter in module.named_parameters()}
    flat = x.numpy().reshape(x.shape[1], -1)
    query, key, value = (
        weights[f"{name}.weight"][..., 0, 0] @ flat + weights[f"{name}.bias"][:, None]
        for name in ("query", "key", "value")
    )
    attention = np.zeros((flat.shape[1], flat.shape[1]))
    for place in range(flat.shape[1]):
        similarity = np.array([query[:, place] @ key[:, other] for other in range(flat.shape[1])])
        attention[place] = np.exp(similarity - similarity.max()) / np.exp(similarity - similarity.max()).sum()
    return attention, (weights["gamma"] * (value @ attention.T) + flat).reshape(x.shape[1:])


@pytest.mark.parametrize("channels", [4, 8, 24])
def test_position_attention_and_what_is_read_of_it_are_those_of_brute_force(channels):
    module = randomise(PositionAttention(channels, received=TAPS.received()))
    x = noise(1, channels, 5, 7)
    attention, wanted = brute_force(module, x)
    kept = []
    with torch.inference_mode():
        np.testing.assert_allclose(module(x)[0].numpy(), wanted, rtol=0, atol=1e-12)
        module.received.register_forward_hook(lambda _tap, _inputs, output: kept.append(output))
        np.testing.assert_allclose(module(x)[0].numpy(), wanted, rtol=0, atol=1e-12)
        query, key = module.project(x)
        np.testing.assert_allclose(looks_from(query[:, 3:4], key)[0, 0].numpy(), attention[3], rtol=0, atol=1e-12)
    np.testing.assert_allclose(kept[0][0, 0].numpy(), attention.sum(0).reshape(5, 7), rtol=0, atol=1e-12)


def test_derivatives_are_those_of_the_whole_matrix():
    module = randomise(PositionAttention(8, received=TAPS.received()))
    x = noise(2, 8, 4, 6).requires_grad_()

    def plain():
        query, key = module.project(x)
        attention = torch.softmax(query @ key.transpose(1, 2), 2)
        return module.gamma * (attention @ module.value(x).flatten(2).transpose(1, 2)).transpose(1, 2).view(x.shape) + x

    names, parameters = zip(*module.named_parameters(), strict=True)
    weight = noise(2, 8, 4, 6, seed=1)
    found, wanted = (torch.autograd.grad((result * weight).sum(), (x, *parameters)) for result in (module(x), plain()))
    for name, one, other in zip(("x", *names), found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-11, msg=name)


def test_received_is_the_same_however_it_is_cut(monkeypatch):
    query, key = noise(2, 30, 3), noise(2, 30, 3, seed=1)
    whole = looks_from(query, key).sum(1)
    monkeypatch.setattr("src_models.nets.guided.attention.PAIRS", 70)
    torch.testing.assert_close(attention_received(query, key), whole, rtol=0, atol=1e-12)
    torch.testing.assert_close(whole.mean(1), torch.ones(2, dtype=torch.float64), rtol=0, atol=1e-12)


class Largest(TorchDispatchMode):
    """Notes the largest tensor, in bytes, that any operation gives."""

    def __init__(self):
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        for tensor in found if isinstance(found, tuple | list) else (found,):
            if isinstance(tensor, torch.Tensor):
                self.bytes = max(self.bytes, tensor.nbytes)
        return found


@pytest.mark.parametrize("training", [False, True])
def test_the_matrix_of_all_places_is_never_made(training):
    """Of 256 px there are 64 x 64 places, and a matrix would have 64 MiB; the features themselves have 1 MiB."""
    module = PositionAttention(64, received=TAPS.received())
    if not training:
        module.received.register_forward_hook(lambda *_: None)
    x = torch.randn(1, 64, 64, 64).to(memory_format=torch.channels_last).requires_grad_(training)
    with torch.set_grad_enabled(training), Largest() as largest:
        found = module(x)
        if training:
            found.sum().backward()
    assert largest.bytes <= (4 if training else 16) * 2**20


@pytest.mark.parametrize("inverted", [False, True])
def test_channel_attention_is_its_formula(inverted):
    module = ChannelAttention(inverted=inverted, matrix=TAPS.channels()).double()
    module.gamma.data.fill_(0.7)
    x = noise(2, 6, 3, 4) * 0.4
    kept = []
    module.matrix.register_forward_hook(lambda _tap, _inputs, output: kept.append(output))
    with torch.inference_mode():
        found = module(x)
    for image, result, attention in zip(x.numpy(), found.numpy(), kept[0].numpy(), strict=True):
        flat = image.reshape(6, -1)
        energy = np.array([[one @ other for other in flat] for one in flat])
        if inverted:
            energy = energy.max(1, keepdims=True) - energy
        wanted = np.exp(energy) / np.exp(energy).sum(1, keepdims=True)
        np.testing.assert_allclose(attention, wanted, rtol=0, atol=1e-12)
        np.testing.assert_allclose(result.reshape(6, -1), 0.7 * wanted @ flat + flat, rtol=0, atol=1e-12)


def test_sums_over_channels_are_made_in_single_precision_also_where_the_network_computes_in_less():
    module = ChannelAttention(inverted=True, matrix=TAPS.channels())
    module.gamma.data.fill_(1)
    x = (noise(1, 4, 16, 16) * 0.1).to(torch.bfloat16)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        found = module(x)
    with torch.inference_mode():
        wanted = module(x.float())
    torch.testing.assert_close(found.float(), wanted, rtol=0.01, atol=0.002)


def test_attention_begins_without_effect():
    """Gamma is 0 at first (Section III-B)."""
    x = torch.randn(1, 16, 5, 5)
    modules: list[nn.Module] = [
        PositionAttention(16, received=TAPS.received()),
        ChannelAttention(inverted=False, matrix=TAPS.channels()),
    ]
    for module in modules:
        torch.testing.assert_close(module(x), x, rtol=0, atol=0)
