"""Gated axial attention: the paper's equation 3 with its norms, written out pair by pair."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from src_models.computing.execution import choose_execution, prepare
from src_models.nets.axial.attention import AxialAttention
from src_models.nets.axial.record import AxialRecord
from src_models.nets.kernels.axial_plain import similarity_terms

HEADS, CHANNELS = 2, 8  # 2 channels of queries and of keys a head, 4 of values
IMAGE = {"height": (2, CHANNELS, 5, 7), "width": (2, CHANNELS, 7, 5)}  # 5 px along the axis
LENGTH = 5
FORMS = {
    "gated": {"gated": True},
    "gated, compatible": {"gated": True, "compatible": True},
    "ungated": {},
    "ungated, compatible": {"compatible": True},
    "no positions": {"length": None, "gated": True},
}
FORM = pytest.mark.parametrize("form", FORMS)
AXIS = pytest.mark.parametrize("axis", ["height", "width"])
COMPATIBLE = pytest.mark.parametrize("compatible", [False, True], ids=["default", "compatible"])
GATES = ("g_q", "g_k", "g_v1", "g_v2")


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def make(axis="height", form="gated", *, seed=0, **config):
    """A layer in float64 whose every parameter and statistic is random, in eval mode."""
    layer = AxialAttention(CHANNELS, axis, heads=HEADS, **{"length": LENGTH, **FORMS[form], **config}).double()
    generator = torch.Generator().manual_seed(seed)
    for parameter in layer.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    layer.qkv.conv.weight.data *= CHANNELS**-0.5
    for name, buffer in layer.named_buffers():
        if name.endswith("running_mean"):
            buffer.copy_(torch.randn(buffer.shape, generator=generator))
        elif name.endswith("running_var"):
            buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
    return layer.eval()


def ready(network):
    return prepare(network, choose_execution("cpu"))


def error(found, wanted):
    """Largest difference, as a share of the largest value."""
    assert found.shape == wanted.shape
    return float(abs(found - wanted).max() / abs(wanted).max())


# Equation 3, pair by pair


def normed(values, norm, channel):
    """A batch norm with its tracked statistics, offsets and all."""
    mean, variance, weight, bias = (
        float(t[channel]) for t in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    )
    return (values - mean) / np.sqrt(variance + norm.eps) * weight + bias


def projected(layer, image):
    """Queries, keys and values (2C, O, L) of one image (C, H, W), the sequences beside each other."""
    qkv = np.einsum("oc,chw->ohw", layer.qkv.conv.weight.detach().numpy()[:, :, 0, 0], image)
    qkv = np.stack([normed(plane, layer.qkv.norm, c) for c, plane in enumerate(qkv)])
    return qkv.transpose(0, 2, 1) if layer.axis == "height" else qkv


def equation_3(layer, images):
    """The layer in loops: every norm subtracts, divides, multiplies and adds."""
    gates = {name: float(getattr(layer, name)) if layer.gated else 1.0 for name in GATES}
    width = CHANNELS // HEADS
    half = width // 2
    relative = layer.relative.detach().numpy() if layer.length else None

    def gated(value, gate, norm, channel):
        if layer.compatible:
            return normed(gate * value, norm, channel)
        return gate * normed(value, norm, channel)

    result = []
    for image in images.numpy():
        qkv = projected(layer, image)
        found = np.zeros((CHANNELS, *qkv.shape[1:]))
        length = qkv.shape[-1]
        for line in range(qkv.shape[1]):
            for head in range(HEADS):
                own = qkv[2 * width * head : 2 * width * (head + 1), line]
                q, k, v = own[:half], own[half:width], own[width:]
                s = np.zeros((length, length))
                for i in range(length):
                    for j in range(length):
                        s[i, j] = normed(q[:, i] @ k[:, j], layer.similarity_norm, head)
                        if relative is not None:
                            by_query = q[:, i] @ relative[:half, i - j + length - 1]
                            by_key = k[:, j] @ relative[half:width, j - i + length - 1]
                            s[i, j] += gated(by_query, gates["g_q"], layer.similarity_norm, HEADS + head)
                            s[i, j] += gated(by_key, gates["g_k"], layer.similarity_norm, 2 * HEADS + head)
                attention = np.exp(s - s.max(1, keepdims=True))
                attention /= attention.sum(1, keepdims=True)
                for i in range(length):
                    content = sum(attention[i, j] * v[:, j] for j in range(length))
                    for c in range(width):
                        m = width * head + c
                        found[m, line, i] = gated(content[c], gates["g_v1"], layer.content_norm, m)
                        if relative is not None:
                            e_v = relative[width + c]
                            positional = sum(attention[i, j] * e_v[i - j + length - 1] for j in range(length))
                            found[m, line, i] += gated(positional, gates["g_v2"], layer.position_norm, m)
        result.append(found.transpose(0, 2, 1) if layer.axis == "height" else found)
    return np.stack(result)


@FORM
@AXIS
def test_a_layer_is_equation_3_with_every_norm_written_out(axis, form):
    layer, image = make(axis, form), noise(*IMAGE[axis])
    with torch.inference_mode():
        assert error(layer(image).numpy(), equation_3(layer, image)) < 1e-12


def test_by_default_gates_act_after_the_norms_and_so_on_their_offsets():
    """With all gates at zero nothing is left; gated before the norms, offsets would be."""
    layer, compatible = make(form="gated"), make(form="gated, compatible")
    for one in (layer, compatible):
        for gate in ("g_v1", "g_v2"):
            getattr(one, gate).data.zero_()
    image = noise(*IMAGE["height"])
    with torch.inference_mode():
        assert torch.equal(layer(image), torch.zeros_like(image))
        both = [normed(np.zeros(1), norm, 3) for norm in (compatible.content_norm, compatible.position_norm)]
        assert error(compatible(image)[:, 3].numpy(), np.full((2, 5, 7), sum(both))) < 1e-12


@FORM
@AXIS
def test_what_a_norm_of_the_similarity_adds_or_subtracts_does_not_matter(axis, form):
    layer, image = make(axis, form), noise(*IMAGE[axis])
    with torch.inference_mode():
        before = layer(image)
        layer.similarity_norm.bias += 3
        layer.similarity_norm.running_mean -= 2
        assert torch.equal(layer(image), before)
        assert error(before.numpy(), equation_3(layer, image)) < 1e-12


@pytest.mark.parametrize("prepared", [False, True], ids=["as trained", "made ready"])
@FORM
@AXIS
def test_each_part_has_the_size_of_the_result_without_the_other_and_without_the_norms_offsets(axis, form, prepared):
    layer, image = make(axis, form), noise(*IMAGE[axis])
    record = AxialRecord()
    with torch.inference_mode():
        (ready(layer) if prepared else layer)(image, record)
    for part, name in (("content_norm", "content"), ("position_norm", "positional")):
        alone = copy.deepcopy(layer)  # in which one part counts, and what its norm adds does not
        for norm in ("content_norm", "position_norm")[: 1 if layer.length is None else 2]:
            own = getattr(alone, norm)
            own.weight.data *= norm == part
            own.bias.data = own.running_mean * own.weight.data / (own.running_var + own.eps).sqrt()
        with torch.inference_mode():
            result = alone(image)
        lines = result.transpose(2, 3) if axis == "height" else result
        wanted = lines.unflatten(1, (HEADS, -1)).norm(dim=2).transpose(1, 2)  # N, O, heads, L
        found = getattr(record.measures, name)
        torch.testing.assert_close(found, wanted if layer.length or name == "content" else 0 * wanted)


@FORM
@AXIS
def test_a_record_leaves_the_result_to_the_bit_and_holds_no_derivatives(axis, form):
    layer, image = make(axis, form), noise(*IMAGE[axis])
    record = AxialRecord()
    for one in (layer, ready(layer), layer.float(), ready(layer)):
        image = image.to(one.qkv.conv.weight.dtype)
        assert torch.equal(one(image, record), one(image))
        kept = [record.query, record.key, record.scale, *(record.positions or ()), record.measures.content]
        assert not any(tensor.requires_grad for tensor in [*kept, record.measures.positional])


def test_channels_that_the_heads_cannot_share_are_refused():
    with pytest.raises(ValueError, match="24 channels cannot be divided into queries and keys of 8 heads"):
        AxialAttention(24, "height", length=4)


# Training


def by_the_norms_of_pytorch(layer, image, statistics):
    """The layer in training with terms that are made, stacked and batch-normalised; it moves the `statistics`."""

    def norm(values, name):
        module = layer.get_submodule(name)
        mean, variance = (statistics[f"{name}.{leaf}"] for leaf in ("running_mean", "running_var"))
        return F.batch_norm(values, mean, variance, module.weight, module.bias, training=True, momentum=0.1, eps=1e-5)

    lines = image.transpose(2, 3) if layer.axis == "height" else image  # N, C, O, L
    count, _, across, length = lines.shape
    width = CHANNELS // HEADS
    qkv = norm(F.conv2d(lines, layer.qkv.conv.weight), "qkv.norm").transpose(1, 2).reshape(-1, HEADS, 2 * width, length)
    q, k, v = qkv[:, :, : width // 2], qkv[:, :, width // 2 : width], qkv[:, :, width:]
    g_q, g_k, g_v1, g_v2 = (getattr(layer, name) for name in GATES) if layer.gated else [1.0] * 4
    before, after = ((g_q, g_k, g_v1, g_v2), [1.0] * 4) if layer.compatible else ([1.0] * 4, (g_q, g_k, g_v1, g_v2))
    terms = [torch.einsum("bgci,bgcj->bgij", q, k)]
    if layer.length:
        place = torch.arange(length)
        pairs = layer.relative[:, place[:, None] - place + length - 1]
        e_q, e_k, e_v = pairs[: width // 2], pairs[width // 2 : width], pairs[width:]
        terms.append(torch.einsum("bgci,cij->bgij", q, e_q) * before[0])
        terms.append(torch.einsum("bgcj,cji->bgij", k, e_k) * before[1])
    similarity = norm(torch.cat(terms, 1), "similarity_norm").unflatten(1, (-1, HEADS))
    similarity = sum(s * gate for s, gate in zip(similarity.unbind(1), (1.0, *after[:2]), strict=False))
    attention = similarity.softmax(-1)

    def placed(sequences):
        return sequences.reshape(count, across, CHANNELS, length).transpose(1, 2)

    result = norm(placed(torch.einsum("bgij,bgcj->bgci", attention, v)) * before[2], "content_norm") * after[2]
    if layer.length:
        positional = placed(torch.einsum("bgij,cij->bgci", attention, e_v))
        result = result + norm(positional * before[3], "position_norm") * after[3]
    return result.transpose(2, 3) if layer.axis == "height" else result


def statistics_of(layer):
    return {name: buffer.clone() for name, buffer in layer.named_buffers()}


@FORM
@AXIS
def test_training_is_that_of_batch_norms_over_terms_that_are_made(axis, form):
    layer, image = make(axis, form).train(), noise(*IMAGE[axis])
    wanted_statistics = statistics_of(layer)
    wanted = by_the_norms_of_pytorch(layer, image, wanted_statistics)
    found = layer(image)
    assert error(found.detach(), wanted.detach()) < 1e-10
    kept = statistics_of(layer)
    assert len(kept) == 3 * (4 if layer.length else 3)
    for name, statistic in kept.items():
        if name.endswith("num_batches_tracked"):
            assert statistic == 1, name
        else:
            assert error(statistic, wanted_statistics[name]) < 1e-10, name


@FORM
@AXIS
def test_gradients_are_those_of_batch_norms_over_terms_that_are_made(axis, form):
    layer, image = make(axis, form).train(), noise(*IMAGE[axis]).requires_grad_()
    towards = noise(*IMAGE[axis], seed=5)
    inputs = {"image": image, **dict(layer.named_parameters())}
    ways = (layer(image), by_the_norms_of_pytorch(layer, image, statistics_of(layer)))
    found, wanted = (
        torch.autograd.grad((way * towards).sum(), list(inputs.values()), allow_unused=True) for way in ways
    )
    largest = max(float(gradient.abs().max()) for gradient in wanted)
    for name, ours, theirs in zip(inputs, found, wanted, strict=True):
        assert float((theirs if ours is None else ours - theirs).abs().max()) < 1e-9 * largest, name


@FORM
def test_predicting_tracks_nothing(form):
    layer = make(form=form)
    before = statistics_of(layer)
    layer(noise(*IMAGE["height"]))
    assert all(torch.equal(statistic, before[name]) for name, statistic in statistics_of(layer).items())


# What gates do while training


def spreads(layer, image):
    """Standard deviation over keys of the content term and of the positional ones, mean over all queries."""
    with torch.no_grad():
        query, key, _ = layer.project(image)
        return [float(term.std(-1).mean()) for term in similarity_terms(query, key, *layer.weigh(query, key))]


def test_while_training_a_larger_gate_gives_positions_more_weight():
    layer, image = make(form="gated").train(), noise(*IMAGE["height"])
    layer.g_k.data.zero_()
    found = []
    for gate in (0.1, 1.0, 5.0):
        layer.g_q.data.fill_(gate)
        content, positional = spreads(layer, image)
        found.append(positional / content)
    assert found[1] == pytest.approx(10 * found[0], rel=1e-9)
    assert found[2] == pytest.approx(50 * found[0], rel=1e-9)


@pytest.mark.parametrize("gate", GATES)
def test_while_training_the_authors_arithmetic_undoes_a_gates_size_but_not_its_sign(gate):
    """Batch norms of x and of 10 x differ by their epsilon alone."""
    results = {}
    for form in ("gated", "gated, compatible"):
        layer, image = make(form=form).train(), noise(*IMAGE["height"])
        for name in GATES:
            getattr(layer, name).data.fill_(1.0)
        for value in (1.0, 10.0, -1.0):
            getattr(layer, gate).data.fill_(value)
            with torch.no_grad():
                results[form, value] = layer(image)
    compatible = {
        value: error(results["gated, compatible", value], results["gated, compatible", 1.0]) for value in (10.0, -1.0)
    }
    default = error(results["gated", 10.0], results["gated", 1.0])
    assert compatible[10.0] < 5e-3
    assert compatible[-1.0] > 0.05
    assert default > 0.5


# Made ready for prediction


@FORM
@AXIS
def test_folding_changes_the_result_by_rounding_alone(axis, form):
    layer, image = make(axis, form), noise(*IMAGE[axis])
    folded = ready(layer)
    assert folded.folded
    with torch.inference_mode():
        assert error(folded(image), layer(image)) < 1e-10


@pytest.mark.parametrize("form", ["gated", "ungated", "no positions"])
@pytest.mark.parametrize("size", [3, 8, 13])
@AXIS
def test_folding_changes_the_result_by_rounding_alone_at_another_length(axis, form, size):
    layer, image = make(axis, form), noise(1, CHANNELS, size, size)
    with torch.inference_mode():
        assert error(ready(layer)(image), layer(image)) < 1e-10


@FORM
def test_making_ready_leaves_the_original_as_it_was(form):
    layer, image = make(form=form), noise(*IMAGE["height"])
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    with torch.inference_mode():
        wanted = layer(image)
        ready(layer)
        assert not layer.folded
        assert torch.equal(layer(image), wanted)
    after = layer.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


@FORM
def test_making_ready_twice_is_making_ready_once(form):
    layer, image = make(form=form), noise(*IMAGE["height"])
    once = ready(layer)
    with torch.inference_mode():
        assert error(ready(once)(image), layer(image)) < 1e-10


# Other lengths than the one learned


def interpolated(table, length):
    """A table (D, 2K - 1) at the 2 length - 1 places between the same ends."""
    places = np.linspace(0, table.shape[1] - 1, 2 * length - 1)
    return np.stack([np.interp(places, np.arange(table.shape[1]), row) for row in table])


def tables_at(layer, length):
    """What a layer with neutral gates and norms takes for E_q, E_k, E_v at a length, (2C / heads, 2 length - 1)."""
    for gate in GATES:
        getattr(layer, gate).data.fill_(1.0)
    layer.similarity_norm.weight.data.fill_(1.0)
    layer.similarity_norm.running_var.fill_(1 - layer.similarity_norm.eps)
    query, key = (noise(1, 1, HEADS, 2, length, seed=s) for s in (1, 2))
    with torch.no_grad():
        positions = layer.weigh(query, key)[1]
    return np.concatenate([table[0].detach().numpy() for table in positions])


@pytest.mark.parametrize("length", [2, 3, 8, 9, 20])
def test_the_ends_and_the_middle_of_a_table_stay_at_another_length(length):
    layer = make()
    learned, found = layer.relative.detach().numpy(), tables_at(layer, length)
    np.testing.assert_allclose(found[:, [0, length - 1, -1]], learned[:, [0, LENGTH - 1, -1]], rtol=0, atol=1e-12)
    np.testing.assert_allclose(found, interpolated(learned, length), rtol=0, atol=1e-12)


def test_at_the_length_learned_the_table_is_the_one_learned():
    layer = make()
    assert np.array_equal(tables_at(layer, LENGTH), layer.relative.detach().numpy())


@pytest.mark.parametrize("form", ["gated", "ungated"])
@pytest.mark.parametrize("length", [3, 8])
@AXIS
def test_a_layer_at_another_length_is_a_layer_made_for_it_with_interpolated_tables(axis, form, length):
    layer, made_for_it = make(axis, form), make(axis, form, length=length)
    weights = layer.state_dict()
    weights["relative"] = torch.from_numpy(interpolated(weights["relative"].numpy(), length))
    made_for_it.load_state_dict(weights)
    image = noise(1, CHANNELS, *((length, 4) if axis == "height" else (4, length)))
    with torch.inference_mode():
        assert error(layer(image).numpy(), equation_3(made_for_it, image)) < 1e-12


@pytest.mark.parametrize("training", [False, True])
@AXIS
def test_the_authors_arithmetic_takes_no_other_length(axis, training):
    layer = make(axis, "gated, compatible").train(training)
    with pytest.raises(
        ValueError, match=rf"learned for 5 px along the {axis} of this layer, and here are 7; .*compatible"
    ):
        layer(noise(1, CHANNELS, 7, 7))


@AXIS
def test_without_positions_any_length_is_taken(axis):
    layer, image = make(axis, "no positions", compatible=True), noise(1, CHANNELS, 4, 9)
    with torch.inference_mode():
        assert error(layer(image).numpy(), equation_3(layer, image)) < 1e-12


# Half precision


@pytest.mark.parametrize("form", ["gated", "no positions"])
def test_statistics_of_similarities_are_exact_under_autocast(form):
    """The projection is rounded to half precision; the statistics are those of the rounded values, to single."""
    layer, exact, image = make(form=form).float().train(), make(form=form).train(), noise(*IMAGE["height"]).float()
    before = exact.similarity_norm.running_var.clone()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        query, key, _ = layer.project(image)
        layer.weigh(query, key)
    assert query.dtype == torch.bfloat16
    with torch.no_grad():
        exact.weigh(query.double(), key.double())
    found, wanted = layer.similarity_norm.running_var, exact.similarity_norm.running_var
    torch.testing.assert_close(found.double(), wanted, rtol=1e-5, atol=1e-7)
    assert not torch.allclose(wanted, before)
