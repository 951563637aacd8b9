"""Of a long stack a round learns from slices that are evenly spread; nothing is taken out of the set."""

from __future__ import annotations

import numpy as np

from src_models.corrections.correction import Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.finetuning.labelled.sampled import MOST_PLANES, SampledCorrections


def corrected(layer, plane):
    labels = np.zeros((4, 5), int)
    labels[1, 1] = 1
    return mark(np.full((4, 5), plane, np.uint8), labels, source=Source(layer=layer, axes="ZYX", plane=(plane,)))


def test_a_long_stack_is_sampled_and_a_short_one_is_not(tmp_path):
    kept = CorrectionSet.open(tmp_path / "set")
    depth = 2 * MOST_PLANES + 7
    kept.put([*(corrected("long", z) for z in range(depth)), *(corrected("short", z) for z in range(3))])
    sampled = SampledCorrections.open(tmp_path / "set")
    planes = [item.record.source.plane[0] for item in sampled.items if item.record.source.layer == "long"]
    assert len(planes) == MOST_PLANES
    assert planes[0] == 0
    assert set(np.diff(planes)) <= {2, 3}
    assert planes == sorted(planes)
    assert [item.record.source.plane for item in sampled.items[MOST_PLANES:]] == [(0,), (1,), (2,)]
    assert len(sampled) == len(list(sampled.corrections())) == MOST_PLANES + 3
    assert len(CorrectionSet.open(tmp_path / "set")) == depth + 3
