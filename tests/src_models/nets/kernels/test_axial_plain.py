"""The plain form, which all others are tested against, against loops over pairs."""

import math
import subprocess
import sys

import pytest
import torch

from src_models.nets.kernels.axial_plain import (
    RelativePositions,
    attention_matrix,
    attention_row,
    measured_parts,
    reference,
    similarity_terms,
    spread_over_pairs,
)

N, ACROSS, G, D, C, L = 2, 3, 2, 2, 3, 4
POSITIONS = pytest.mark.parametrize("positions", [True, False], ids=["positions", "content alone"])


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def problem(positions):
    query, key, value = (
        noise(N, ACROSS, G, D, L, seed=1),
        noise(N, ACROSS, G, D, L, seed=2),
        noise(N, ACROSS, G, C, L, seed=3),
    )
    tables = RelativePositions(*(noise(G, size, 2 * L - 1, seed=4 + k) for k, size in enumerate((D, D, C))))
    return query, key, value, noise(G, seed=8), tables if positions else None


def dot(one, other):
    return sum(float(a) * float(b) for a, b in zip(one, other, strict=True))


def by_hand(query, key, value, scale, tables):
    """Attention and both results of equation 4, number by number."""
    attention = torch.zeros(N, ACROSS, G, L, L, dtype=torch.float64)
    content = torch.zeros(N, ACROSS, G, C, L, dtype=torch.float64)
    positional = torch.zeros_like(content)
    for n, o, g in ((n, o, g) for n in range(N) for o in range(ACROSS) for g in range(G)):
        for i in range(L):
            similarity = []
            for j in range(L):
                term = float(scale[g]) * dot(query[n, o, g, :, i], key[n, o, g, :, j])
                if tables is not None:
                    term += dot(query[n, o, g, :, i], tables.query[g, :, i - j + L - 1])
                    term += dot(key[n, o, g, :, j], tables.key[g, :, j - i + L - 1])
                similarity.append(term)
            total = sum(map(math.exp, similarity))
            for j in range(L):
                weight = math.exp(similarity[j]) / total
                attention[n, o, g, i, j] = weight
                content[n, o, g, :, i] += weight * value[n, o, g, :, j]
                if tables is not None:
                    positional[n, o, g, :, i] += weight * tables.value[g, :, i - j + L - 1]
    return attention, content, positional if tables is not None else None


@POSITIONS
def test_it_is_equation_4(positions):
    given = problem(positions)
    attention, content, positional = by_hand(*given)
    query, key, _, scale, tables = given
    torch.testing.assert_close(attention_matrix(query, key, scale, tables), attention, rtol=0, atol=1e-12)
    found = reference(*given)
    torch.testing.assert_close(found[0], content, rtol=0, atol=1e-12)
    if positional is None:
        assert found[1] is None
    else:
        torch.testing.assert_close(found[1], positional, rtol=0, atol=1e-12)


@POSITIONS
@pytest.mark.parametrize("place", range(L))
def test_a_row_is_that_of_the_matrix(positions, place):
    query, key, _, scale, tables = problem(positions)
    row = attention_row(query, key, scale, tables, place)
    torch.testing.assert_close(row, attention_matrix(query, key, scale, tables)[..., place, :], rtol=0, atol=1e-12)


def test_without_content_the_terms_are_those_of_positions():
    query, key, _, _, tables = problem(positions=True)
    content, positional = similarity_terms(query, key, torch.zeros(G, dtype=torch.float64), tables)
    assert not content.any()
    assert similarity_terms(query, key, torch.ones(G, dtype=torch.float64), None)[1] is None
    assert positional.shape == (N, ACROSS, G, L, L)


def test_a_pair_gets_what_belongs_to_its_distance():
    distances = torch.arange(-(L - 1), L, dtype=torch.float64).expand(1, 1, -1)
    pairs = spread_over_pairs(distances)[0, 0]
    assert [[int(pairs[a, b]) for b in range(L)] for a in range(L)] == [[a - b for b in range(L)] for a in range(L)]


def test_parts_are_measured_over_channels():
    content = torch.tensor([3.0, 4.0]).view(1, 1, 1, 2, 1)
    assert [float(part) for part in measured_parts(content, 2 * content)[:2]] == [5.0, 10.0]
    assert [float(part) for part in measured_parts(content, None)[:2]] == [5.0, 0.0]


def test_imports_of_the_kernels_run_one_way():
    code = (
        "import sys; import src_models.nets.kernels.axial_plain\n"
        "others = ('axial', 'axial_cpu', 'axial_triton')\n"
        "sys.exit(any(f'src_models.nets.kernels.{name}' in sys.modules for name in others))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
