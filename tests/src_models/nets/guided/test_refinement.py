"""One step of attention at one scale, against its formula."""

import pytest
import torch
import torch.nn.functional as F

from src_models.nets.guided.refinement import Refinement, strength


def made(**config):
    torch.manual_seed(0)
    step = Refinement(8, **{"attention": "both", "inverted": True, "guidance": True, "scale": 2, "step": 1, **config})
    for branch in step.branches.values():
        branch.attention.gamma.data.fill_(0.5)
    return step.double().eval()


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("attention", ["both", "position", "channel"])
@pytest.mark.parametrize("guidance", [True, False])
def test_a_step_is_the_attention_weighed_by_the_meaning(attention, guidance):
    step = made(attention=attention, guidance=guidance)
    features, rebuilt = noise(1, 16, 6, 5), noise(1, 16, 6, 5, seed=1)
    with torch.inference_mode():
        wanted = sum(branch(features) for branch in step.branches.values())
        if guidance:
            wanted = wanted * F.conv2d(rebuilt, step.guide.weight, step.guide.bias, padding=1)
        wanted = (
            torch.einsum("oi,nihw->nohw", step.project.weight[..., 0, 0], wanted) + step.project.bias[:, None, None]
        )
        found = step(features, rebuilt if guidance else None)
    assert set(step.branches) == ({"position", "channel"} if attention == "both" else {attention})
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)


def test_what_is_read_is_the_mean_size_of_the_features_before_and_after_guidance():
    step, kept = made(), {}
    for tap in (step.attended, step.guided):
        tap.register_forward_hook(lambda tap, _inputs, output: kept.update({tap.name: output}))
    features, rebuilt = noise(2, 16, 6, 5), noise(2, 16, 6, 5, seed=1)
    with torch.inference_mode():
        found = step(features, rebuilt)
        before = sum(branch(features) for branch in step.branches.values())
    assert list(kept) == ["scale 2 step 1 attended", "scale 2 step 1 guided"]
    for read, of in zip(kept.values(), (before, found), strict=True):
        size = of.abs().mean(1, keepdim=True)
        torch.testing.assert_close(read.double(), size / size.mean((2, 3), keepdim=True), rtol=1e-6, atol=0)


def test_features_that_are_zero_everywhere_have_no_strength():
    assert strength(torch.zeros(1, 3, 2, 2)).tolist() == [[[[0, 0], [0, 0]]]]
