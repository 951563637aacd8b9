"""The place where attention is read."""

import torch

from src_models.nets.tap import AttentionTap


def test_nothing_is_computed_for_a_tap_that_nobody_reads():
    tap = AttentionTap(name="gate 2", kind="attention gate", level=2, stride=2, description="")
    assert not tap.heard
    kept = []
    handle = tap.register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    assert tap.heard
    attention = torch.rand(1, 1, 2, 2, requires_grad=True)
    assert tap(attention) is attention, "with whatever hangs on it, such as a derivative"
    assert kept[0] is attention
    handle.remove()
    assert not tap.heard


def test_a_tap_has_no_weights_that_a_model_file_would_hold():
    tap = AttentionTap(name="gate 2", kind="attention gate", level=2, stride=2, description="")
    assert tap.state_dict() == {}
