"""Recording attention: what was computed, where it belongs, and nothing changed by looking."""

import doctest
import threading

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import src_models.attention.recording
from src_models.attention.recording import record_attention
from src_models.errors import UserError
from src_models.nets.attention_unet import AttentionUNet
from src_models.nets.tap import AttentionTap

FORMS = {
    "grid": {"gate": "grid"},
    "paper": {"gate": "grid", "gate_norm": False},
    "subgates": {"gate": "grid", "subgates": 3},
    "skip": {"gate": "skip", "upsampling": "conv"},
}
FORM = pytest.mark.parametrize("form", FORMS)


def make(form="grid", dimensions=2, seed=0, **config):
    """A network whose running statistics come from a random image."""
    torch.manual_seed(seed)
    config = {"widths": (4, 6, 8, 8), "dimensions": dimensions, **FORMS[form], **config}
    network = AttentionUNet(**config).train()
    with torch.no_grad():
        for _ in range(20):
            network(torch.randn(2, network.in_channels, *[16] * dimensions))
    return network.eval()


def hooks(network):
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in network.modules())


def test_the_example_in_the_docstring_holds():
    assert doctest.testmod(src_models.attention.recording).failed == 0


# Looking changes nothing


@FORM
@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("training", [False, True])
def test_recording_leaves_the_result_bit_for_bit(form, dimensions, training):
    network, image = make(form, dimensions), torch.randn(2, 1, *(19, 22, 17)[:dimensions])
    network.train(training)
    with torch.no_grad():
        before = network(image)
        with record_attention(network) as attention:
            during = network(image)
        assert len(attention) > 0
        assert torch.equal(during, before)
        assert torch.equal(network(image), before)


def test_recording_leaves_the_gradient():
    network, image = make(), torch.randn(1, 1, 16, 16)
    network(image).square().sum().backward()
    wanted = [parameter.grad.clone() for parameter in network.parameters()]
    network.zero_grad()
    with record_attention(network) as attention:
        network(image).square().sum().backward()
    assert all(torch.equal(p.grad, w) for p, w in zip(network.parameters(), wanted, strict=True))
    assert not any(found.tensor.requires_grad for found in attention)


@pytest.mark.parametrize("failure", [None, RuntimeError, KeyboardInterrupt, GeneratorExit])
def test_nothing_of_the_recording_stays_behind(failure):
    network = make()

    def look():
        with record_attention(network) as attention:
            network(torch.zeros(1, 1, 8, 8))
            assert hooks(network) > 0
            if failure:
                raise failure
        return attention

    if failure:
        with pytest.raises(failure):
            look()
    else:
        assert look()["gate 2"].shape == (1, 1, 4, 4)  # what was seen can be read afterwards
    assert hooks(network) == 0


def test_a_network_that_fails_is_left_as_it_was():
    network = make()
    with pytest.raises(ValueError, match="channels"), record_attention(network):
        network(torch.zeros(1, 5, 8, 8))
    assert hooks(network) == 0


# What is recorded


def features(network, image):
    """Inputs of every gate, finest first, seen from outside the recording."""
    seen, handles = {}, []
    for level, gate in enumerate(network.gates, start=1):
        if not isinstance(gate, nn.Identity):
            handles.append(
                gate.register_forward_pre_hook(lambda _module, inputs, level=level: seen.update({level: inputs}))
            )
    with torch.no_grad():
        network(image)
    for handle in handles:
        handle.remove()
    return seen


@pytest.mark.parametrize("size", [(16, 24), (21, 18), (3, 1)])
@pytest.mark.parametrize("form", ["paper", "subgates", "skip"])
def test_values_are_the_gates_own_formula_on_the_cells_of_the_image(form, size):
    network, image = make(form), torch.randn(2, 1, *size)
    with torch.no_grad(), record_attention(network) as attention:
        network(image)
    assert attention.names() == (["gate 1", "gate 2", "gate 3"] if form == "skip" else ["gate 2", "gate 3"])
    for level, (x, g) in features(network, image).items():
        found, stride = attention[f"gate {level}"], 2 ** (level - 1)
        gate = network.gates[level - 1]
        wanted = skip_coefficients(gate, x, g) if form == "skip" else grid_coefficients(gate, x, g)
        cells = [-(-length // stride) for length in size]
        assert found.shape == (2, 3 if form == "subgates" else 1, *cells)
        torch.testing.assert_close(found.tensor, wanted[:, :, : cells[0], : cells[1]], rtol=0, atol=1e-6)
        assert 0 <= float(found.tensor.min()) < float(found.tensor.max()) <= 1 or cells == [1, 1]
        assert (found.kind, found.level, found.stride) == ("attention gate", level, stride)
        assert found.offset == (stride - 1) / 2


def skip_coefficients(gate, x, g):
    def apply(part, values):
        values = torch.einsum("oc,nchw->nohw", part.conv.weight[..., 0, 0], values) + part.conv.bias.view(-1, 1, 1)
        norm = part.norm
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        return (values - norm.running_mean.view(-1, 1, 1)) * scale.view(-1, 1, 1) + norm.bias.view(-1, 1, 1)

    with torch.no_grad():
        return torch.sigmoid(apply(gate.psi, (apply(gate.w_g, g) + apply(gate.w_x, x)).clamp(min=0)))


def grid_coefficients(gate, x, g):
    maps = []
    with torch.no_grad():
        for part in gate.subgates:
            corners = F.unfold(x, 2, stride=2)  # N, 4 C, cells
            query = torch.einsum("oc,ncl->nol", part.theta.weight.flatten(1), corners).view(
                x.shape[0], -1, *g.shape[2:]
            )
            query = query + torch.einsum("oc,nchw->nohw", part.phi.weight[..., 0, 0], g) + part.phi.bias.view(-1, 1, 1)
            score = torch.einsum("oc,nchw->nohw", part.psi.weight[..., 0, 0], query.clamp(min=0)) + part.psi.bias
            if not isinstance(part.psi_norm, nn.Identity):
                norm = part.psi_norm
                score = (score - norm.running_mean) / (norm.running_var + norm.eps).sqrt() * norm.weight + norm.bias
            maps.append(F.interpolate(score.sigmoid(), scale_factor=2.0, mode="bilinear"))
    return torch.cat(maps, dim=1)


def test_each_pass_is_recorded_anew():
    network = make()
    first, second = torch.randn(1, 1, 16, 16), torch.randn(3, 1, 24, 8)
    with torch.no_grad(), record_attention(network) as attention:
        assert len(attention) == 0
        network(first)
        kept = attention["gate 2"].tensor.clone()
        earlier = attention["gate 2"]
        network(second)
        assert attention["gate 2"].shape == (3, 1, 12, 4)
    assert torch.equal(earlier.tensor, kept)


def test_maps_are_found_by_name_and_by_place_finest_first():
    network = make()
    with torch.no_grad(), record_attention(network) as attention:
        network(torch.zeros(1, 1, 16, 16))
    assert [found.level for found in attention] == [2, 3]
    assert attention[0] is attention["gate 2"]
    assert attention[-1] is attention["gate 3"]
    assert [found.name for found in attention[:1]] == ["gate 2"]
    assert "2 px" in attention["gate 2"].description
    with pytest.raises(KeyError):
        attention["gate 1"]  # the finest skip of the paper's network is not gated


@pytest.mark.parametrize("names", [["gate 3"], ("gate 3", "gate 2"), [], {"gate 2"}])
def test_only_the_named_maps_are_recorded(names):
    network = make()
    with torch.no_grad(), record_attention(network, names) as attention:
        network(torch.zeros(1, 1, 16, 16))
    assert attention.names() == sorted(names)


def test_a_plain_network_has_nothing_to_record():
    network = AttentionUNet(widths=(4, 6, 8), gate="none").eval()
    with torch.no_grad(), record_attention(network) as attention:
        network(torch.zeros(1, 1, 16, 16))
    assert attention.names() == []


def test_two_recordings_of_one_network_see_the_same():
    network = make()
    with torch.no_grad(), record_attention(network) as outer:
        with record_attention(network, ["gate 3"]) as inner:
            network(torch.randn(1, 1, 16, 16))
        assert hooks(network) == 1 + 2
    assert (outer.names(), inner.names()) == (["gate 2", "gate 3"], ["gate 3"])
    assert torch.equal(outer["gate 3"].tensor, inner["gate 3"].tensor)


def test_threads_with_a_network_each_do_not_mix():
    networks = [make(seed=seed) for seed in range(2)]
    images = [torch.randn(1, 1, 24 + 8 * seed, 16) for seed in range(2)]
    wanted = []
    for network, image in zip(networks, images, strict=True):
        with torch.no_grad(), record_attention(network) as attention:
            network(image)
        wanted.append(attention["gate 2"].tensor)
    barrier, failures = threading.Barrier(2), []

    def work(index):
        for _ in range(10):
            with torch.no_grad(), record_attention(networks[index]) as attention:
                barrier.wait(timeout=60)
                networks[index](images[index])
                barrier.wait(timeout=60)
            if not torch.equal(attention["gate 2"].tensor, wanted[index]):
                failures.append(index)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


# Where a cell belongs


def watching(gate):
    """A network of depth 4 that hands bright pixels down, and whose gates open where these are and nowhere else."""
    upsampling = "conv" if gate == "skip" else "linear"
    network = AttentionUNet(
        widths=(1, 1, 1, 1), classes=1, gate=gate, gate_norm=False, deep_supervision=False, upsampling=upsampling
    ).eval()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.zeros_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for block in network.encoder:
        for part in block:
            part.conv.weight.data[0, 0, 1, 1] = 1
    for module in network.gates:
        for part in [module] if gate == "skip" else getattr(module, "subgates", []):
            if gate == "skip":
                part.w_x.conv.weight.data.fill_(1)
            else:
                part.theta.weight.data.fill_(1)
            score = part.psi.conv if gate == "skip" else part.psi
            score.weight.data.fill_(100)
            score.bias.data.fill_(-50)
    return network


@pytest.mark.parametrize("size", [(40, 48), (35, 41)])
@pytest.mark.parametrize("pixel", [(0, 0), (13, 22), (17, 7), (34, 40)])
def test_a_gate_on_the_skips_own_grid_lights_the_one_cell_that_covers_the_pixel(pixel, size):
    network, image = watching("skip"), torch.zeros(1, 1, *size)
    image[0, 0, *pixel] = 1
    with torch.no_grad(), record_attention(network) as attention:
        network(image)
    assert attention.names() == ["gate 1", "gate 2", "gate 3"]
    for found in attention:
        lit = (found.tensor[0, 0] > 0.5).nonzero().tolist()
        assert lit == [[place // found.stride for place in pixel]]
        assert float(found.tensor.sum()) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("size", [(48, 64), (43, 61)])
@pytest.mark.parametrize("pixel", [(13, 22), (17, 30), (23, 25)])
def test_a_gate_on_the_coarser_grid_lights_the_place_of_that_cell(pixel, size):
    """The coefficients come from cells twice as large; their centre, by offset and stride, must be such a cell's."""
    network, image = watching("grid"), torch.zeros(1, 1, *size)
    image[0, 0, *pixel] = 1
    with torch.no_grad(), record_attention(network) as attention:
        network(image)
    assert attention.names() == ["gate 2", "gate 3"]
    for found in attention:
        alpha, cell = found.tensor[0, 0].double(), 2 * found.stride
        for axis in (0, 1):
            profile = alpha.sum(1 - axis)
            centre = float((profile * torch.arange(len(profile))).sum() / profile.sum())
            wanted = (pixel[axis] // cell) * cell + (cell - 1) / 2
            assert found.offset + found.stride * centre == pytest.approx(wanted, abs=1e-6)


def test_a_tap_gives_back_the_very_tensor():
    tap = AttentionTap(name="gate 1", kind="attention gate", level=1, stride=1, description="")
    values = torch.rand(1, 1, 3, 3)
    assert tap(values) is values


def test_a_map_that_the_network_does_not_have_is_refused_with_those_it_has():
    network = AttentionUNet(in_channels=1, classes=2, widths=(4, 6, 8))
    with (
        pytest.raises(UserError, match=r"no attention map 'gate 9'; choose from gate 2$"),
        record_attention(network, ["gate 9"]),
    ):
        pass
