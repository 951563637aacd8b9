"""Sums over similarities that nobody makes, and their derivatives, against those of similarities that are made."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src_models.nets.axial.moments import moments_of_terms
from src_models.nets.kernels.axial_plain import RelativePositions


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@st.composite
def sequences(draw):
    images, others, heads, channels = (draw(st.integers(1, 3)) for _ in range(4))
    length, shared = draw(st.integers(1, 6)), draw(st.booleans())
    seed = draw(st.integers(0, 1000))
    tables = tuple(noise(1 if shared else heads, channels, 2 * length - 1, seed=seed + k) for k in (1, 2, 3))
    query, key = (noise(images, others, heads, channels, length, seed=seed + k) + 0.3 for k in (4, 5))
    return query, key, draw(st.sampled_from([None, RelativePositions(*tables)]))


def explicit_terms(query, key, tables):
    """The terms (terms, N, O, G, L, L) of the similarity of query i and key j, pair by pair."""
    length = query.shape[-1]
    content = (query[..., :, None] * key[..., None, :]).sum(3)
    if tables is None:
        return content[None]
    by_query, by_key = torch.zeros_like(content), torch.zeros_like(content)
    for i in range(length):
        for j in range(length):
            by_query[..., i, j] = (query[..., i] * tables.query[..., i - j + length - 1]).sum(-1)
            by_key[..., i, j] = (key[..., j] * tables.key[..., j - i + length - 1]).sum(-1)
    return torch.stack([content, by_query, by_key])


@settings(max_examples=60)
@given(case=sequences())
def test_moments_are_sums_over_the_explicit_terms(case):
    terms = explicit_terms(*case)
    sums, squares = moments_of_terms(*case)
    torch.testing.assert_close(sums, terms.sum((1, 2, 4, 5)), rtol=0, atol=1e-9)
    torch.testing.assert_close(squares, terms.square().sum((1, 2, 4, 5)), rtol=1e-10, atol=1e-9)


def test_moments_of_single_precision_are_summed_in_double():
    """Values far from zero: the variance is a small difference of large numbers."""
    query, key = (noise(2, 40, 2, 4, 32, seed=k) + 5 for k in (1, 2))
    terms = explicit_terms(query, key, None)
    sums, squares = moments_of_terms(query.float(), key.float(), None)
    assert sums.dtype == squares.dtype == torch.float64
    count = 2 * 40 * 32**2
    variance = squares / count - (sums / count).square()
    torch.testing.assert_close(variance[0], terms[0].var((0, 1, 3, 4), correction=0), rtol=1e-3, atol=0)


@settings(max_examples=40)
@given(case=sequences())
def test_derivatives_are_those_of_the_explicit_terms(case):
    query, key, tables = case
    leaves = [tensor.clone().requires_grad_() for tensor in (query, key, *(() if tables is None else tables[:2]))]
    used = None if tables is None else RelativePositions(*leaves[2:], tables.value)
    terms = explicit_terms(leaves[0], leaves[1], used)
    made = terms.sum((1, 2, 4, 5)), terms.square().sum((1, 2, 4, 5))
    found = moments_of_terms(leaves[0], leaves[1], used)
    weights = [noise(*made[0].shape, seed=seed) for seed in (7, 8)]
    wanted, given_ = (
        torch.autograd.grad(sum((w * m).sum() for w, m in zip(weights, of, strict=True)), leaves)
        for of in (made, found)
    )
    for one, other in zip(given_, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)
