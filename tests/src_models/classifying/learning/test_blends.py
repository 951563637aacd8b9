"""Blends lie between two networks; the best that does not forget is taken."""

from __future__ import annotations

import numpy as np
import torch
from toy_classes import ToyClassifier

from src_models.classifying.learning.blends import ClassBlends, judge
from src_models.classifying.training.pictures import Pictures

CPU = torch.device("cpu")
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.uniform(0, 1, (40, 1, 8, 8)).astype(np.float16)


def network(seed):
    torch.manual_seed(seed)
    return ToyClassifier().eval()


def answers(model, images=IMAGES):
    with torch.inference_mode():
        return torch.softmax(model(torch.from_numpy(images.astype(np.float32))), 1).numpy()


def test_judging_counts_what_is_right_and_how_likely_it_is():
    model, labels = network(0), RANDOM.integers(0, 3, 40)
    found = answers(model)
    judged = judge(model, Pictures(IMAGES, labels), CPU)
    assert (judged.right, judged.count) == (int((found.argmax(1) == labels).sum()), 40)
    assert abs(judged.likelihood - found[np.arange(40), labels].mean()) < 1e-5
    assert judge(model, Pictures(IMAGES[:0], labels[:0]), CPU).likelihood == 0


def blend(start, learnt, share):
    mixed = ToyClassifier().eval()
    weights = {
        name: torch.lerp(value, learnt.state_dict()[name], share) if value.is_floating_point() else value
        for name, value in start.state_dict().items()
    }
    mixed.load_state_dict(weights)
    return mixed


def test_the_best_blend_is_that_of_all_that_do_not_forget():
    start, learnt = network(0), network(1)
    held_out = Pictures(IMAGES[:20], answers(learnt).argmax(1)[:20])
    known = Pictures(IMAGES[20:], answers(start).argmax(1)[20:])
    free = ClassBlends(start, held_out, Pictures(IMAGES[:0], np.zeros(0, np.int64)), CPU)
    assert free.knew is None
    everything = {share: judge(blend(start, learnt, share), held_out, CPU) for share in (1.0, 0.6, 0.3)}
    assert free.best(learnt.state_dict()).validation == max(everything.values())
    kept = {s: everything[s] for s in everything if judge(blend(start, learnt, s), known, CPU).accuracy >= 0.99}
    careful = ClassBlends(start, held_out, known, CPU)
    assert careful.knew == 1
    found = careful.best(learnt.state_dict())
    assert (found is None) == (not kept)
    assert found is None or found.validation == max(kept.values())


def test_what_all_rounds_may_forget_is_measured_from_the_first():
    start, learnt = network(0), network(1)
    known = Pictures(IMAGES, answers(learnt).argmax(1))
    worse = ClassBlends(start, known, known, CPU, knew=2.0)  # more than any network reaches
    assert worse.best(learnt.state_dict()) is None
