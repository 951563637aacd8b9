"""Audits of classes, of a network of which it is known what it goes by."""

import copy
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from patch_classes import PATCH, SIZE, patch_model, patch_picture
from scipy.special import expit
from torch import nn

from src_models.auditing.classes import class_auditor
from src_models.auditing.classes.audited_pictures import AuditedPicture
from src_models.auditing.classes.class_auditor import class_gradient, middle_first, pictures_audit_steps
from src_models.auditing.measures.correlation import rank_correlation
from src_models.classifying.relevance import class_relevance
from src_models.errors import UserError
from src_models.models.architectures import create
from src_models.models.checkpoint import Model
from src_models.models.header import Intensity, ModelHeader
from src_models.progress import finish

VIT = {"in_channels": 1, "classes": 3, "width": 8, "depth": 2, "heads": 2, "patch": 6, "image_size": SIZE}


def pictures(*corners):
    found = []
    for seed, (row, column) in enumerate(corners):
        values = patch_picture(row, column, seed)
        found.append(AuditedPicture(f"picture {seed}", values, values[0] == 1))
    return found


def vit_model():
    header = ModelHeader(
        name="vit", purpose="tests", architecture="vit", classes=("a", "b", "c"), channels=("grey",), config=VIT,
        tile=(SIZE, SIZE), overlap=(0, 0), result="class", intensity=Intensity(kind="window", low=0, high=1),
    )  # fmt: skip
    torch.manual_seed(5)
    network = create("vit", **VIT).eval()
    nn.init.normal_(network.head.weight if hasattr(network, "head") else network.fc.weight, std=2.0)
    return Model(network, header)


def test_what_a_network_goes_by_is_told_from_the_middle_by_the_areas_of_the_formula():
    """A patch of 4 of the 81 blocks, which is gone, or shown, with the first twentieth of the pixels."""
    found = finish(pictures_audit_steps(pictures((4, 4), (24, 20), (20, 4)), patch_model(), device="cpu"))
    (one,) = found.maps
    with_patch, without = expit(3.0), expit(-3.0)
    assert (found.found, found.floor) == pytest.approx((with_patch, without), abs=1e-4)
    assert one.order.deletion.scores == pytest.approx([with_patch, *[without] * 7], abs=1e-4)
    assert one.order.insertion.scores == pytest.approx([without, *[with_patch] * 7], abs=1e-4)
    assert one.order.deletion.area == pytest.approx(0.05 * (with_patch + without) / 2 + 0.95 * without, abs=1e-4)
    verdicts = [gain.verdict for gain in (one.order.deletion_gain, one.order.insertion_gain, *one.against_middle)]
    assert verdicts == [1, 1, 1, 1]
    assert "says more than that: it is better at both" in " ".join(found.summary)
    assert (one.pointing.strongest, one.pointing.top, one.pointing.chance) == (1, 1, PATCH**2 / SIZE**2)
    assert found.pointings[0] is None
    assert found.pointings[1].top == 0
    assert found.told.counts == {"patch": 3, "empty": 0}


def test_of_objects_in_the_middle_marking_it_is_as_good():
    found = finish(pictures_audit_steps(pictures((14, 14), (14, 14)), patch_model(), what="objects", device="cpu"))
    (one,) = found.maps
    assert one.order.deletion_gain.verdict == 1
    assert "says no more than that" in " ".join(found.summary)
    assert found.pointings[1].top > 0.9
    assert found.summary[0].startswith("2 objects of the image as the network saw them, 36 x 36 px: 2 patch.")


def test_with_random_weights_maps_are_those_of_the_untrained_network_for_the_same_class():
    model, shown = vit_model(), pictures((4, 4), (20, 20))
    found = finish(pictures_audit_steps(shown, model, device="cpu", seed=3, maps=["class relevance"]))
    torch.manual_seed(3)
    untrained = create("vit", **VIT).eval()
    batch = np.stack([one.values for one in shown])
    ours = class_relevance(model.network, batch)
    fresh = class_relevance(untrained, batch, ours.classes.tolist())
    wanted = [rank_correlation(a, b) for a, b in zip(ours.cells, fresh.cells, strict=True)]
    known = [abs(value) for value in wanted if value is not None]
    randomised = found.maps[0].randomisation
    assert randomised.final == (pytest.approx(np.mean(known)) if known else None)
    assert randomised.chance == pytest.approx(np.sqrt(2 / (np.pi * 35)))
    parts = [name.split(".")[0] for name in randomised.layers]
    assert parts[0] in ("head", "fc")
    assert parts[-1] in ("embedding", "token", "positions")


def test_attention_is_audited_too_and_the_last_layers_cannot_change_it():
    found = finish(pictures_audit_steps(pictures((4, 4)), vit_model(), device="cpu"))
    assert [one.name for one in found.maps] == ["class relevance", "layer 2 received"]
    received = found.maps[1].randomisation
    assert received.correlations[0] == pytest.approx(1)
    assert received.final < 0.99
    kept = json.loads(json.dumps(found.to_dict()))
    assert kept["told"]["counts"] == found.told.counts
    assert kept["maps"][1]["against_middle"][0]["mean"] == found.maps[1].against_middle[0].mean


TINY = {"width": 8, "head_channels": 4, "stages": 1, "windows": (4, 3)}
OF_EACH = {
    "med-former": (TINY, ["class relevance", "fusion 2 earlier", "fusion 2 later"]),
    "swin": (TINY, ["class relevance", "window 1.2 received"]),
    "resnet18": ({}, ["class relevance"]),
}


@pytest.mark.parametrize("architecture", list(OF_EACH))
def test_of_each_architecture_what_speaks_for_the_class_changes_with_every_layer_and_its_usual_maps(
    architecture, monkeypatch
):
    """Of the layers that run after a map, none changes it; what speaks for the class hears the last one at once."""
    monkeypatch.setattr(class_auditor, "FRACTIONS", (0.0, 0.3, 1.0))
    config, names = OF_EACH[architecture]
    made = vit_model()
    config = {"in_channels": 1, "classes": 3, **config}
    torch.manual_seed(1)
    model = replace(
        made,
        network=create(architecture, **config),
        header=replace(made.header, architecture=architecture, config=config),
    )
    found = finish(pictures_audit_steps(pictures((4, 4), (20, 8)), model, device="cpu"))
    assert [one.name for one in found.maps] == names
    assert all(len(one.randomisation.correlations) == len(one.randomisation.layers) > 5 for one in found.maps)
    relevance = found.maps[0].randomisation.correlations
    assert relevance[0] is None or relevance[0] < 0.999
    for one in found.maps[1:]:
        assert one.randomisation.correlations[0] == pytest.approx(1)
        assert one.randomisation.final < 0.999
    assert [one.pointing.chance for one in found.maps] == [pytest.approx(PATCH**2 / SIZE**2)] * len(names)


def test_the_gradient_is_that_of_the_logarithm_of_the_class(monkeypatch):
    """Of a linear network, d log p_k / dx = w_k - sum_j p_j w_j."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(2 * 5 * 4, 3)).double()
    x = torch.rand(2, 2, 5, 4, dtype=torch.float64)
    weights, p = network[1].weight.detach(), torch.softmax(network(x), 1).detach()
    wanted = [(weights[k] - p[n] @ weights).view(2, 5, 4).abs().sum(0) for n, k in enumerate((2, 0))]
    np.testing.assert_allclose(class_gradient(network, x, np.array([2, 0])), torch.stack(wanted), rtol=1e-5)


def test_the_middle_comes_first_and_corners_last():
    values = middle_first(4, 6)
    assert np.unravel_index(values.argmax(), values.shape) in [(1, 2), (1, 3), (2, 2), (2, 3)]
    assert {tuple(place) for place in np.argwhere(values == values.min())} == {(0, 0), (0, 5), (3, 0), (3, 5)}


def test_equal_seeds_give_equal_audits_progress_reaches_its_total_and_the_model_stays(monkeypatch):
    monkeypatch.setattr(class_auditor, "FRACTIONS", (0.0, 0.3, 1.0))
    model, shown = vit_model(), pictures((4, 4), (20, 8))
    before, state = copy.deepcopy(model.network.state_dict()), torch.get_rng_state()
    steps = []
    first = finish(pictures_audit_steps(shown, model, device="cpu"), steps.append)
    assert [one.done for one in steps] == list(range(1, len(steps) + 1))
    assert {one.total for one in steps} == {len(steps)}
    assert first == finish(pictures_audit_steps(shown, model, device="cpu"))
    assert first != finish(pictures_audit_steps(shown, model, device="cpu", seed=1))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.network.state_dict().items())


def test_what_cannot_be_audited_is_refused(make_model):
    with pytest.raises(UserError, match="no map 'layer 9 received'"):
        next(pictures_audit_steps(pictures((4, 4)), vit_model(), maps=["layer 9 received"]))
    with pytest.raises(UserError, match="nothing to audit"):
        next(pictures_audit_steps([], vit_model()))
    with pytest.raises(UserError, match="segments"):
        next(pictures_audit_steps(pictures((4, 4)), make_model()))
