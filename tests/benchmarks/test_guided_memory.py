"""Memory of self-guided attention: what is promised of images of 256 px, measured in a process of its own."""

from __future__ import annotations

import sys

import pytest
import torch

from benchmarks.guided_memory import as_the_equation_stands, peak_of
from src_models.nets.guided.attention import PositionAttention
from src_models.nets.guided.taps import MapTaps


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_position_attention_of_256_px_takes_less_than_a_gibibyte():
    """One matrix of 4096 x 4096 weights would take 64 MiB, and those of all eight modules 512 MiB."""
    alone = peak_of("position")
    assert alone["more_mib"] < 64
    network = peak_of("network")
    assert network["more_mib"] < 1024
    assert network["process_mib"] < 2048


def test_what_is_compared_with_gives_the_same():
    torch.manual_seed(0)
    attention = PositionAttention(16, received=MapTaps(1, 1).received()).double()
    attention.gamma.data.fill_(0.7)
    x = torch.randn(2, 16, 9, 7, dtype=torch.float64)
    torch.testing.assert_close(as_the_equation_stands(attention, x), attention(x), rtol=0, atol=1e-10)
