"""Audits of whole images: what is looked at, what is refused, and that nothing else changes."""

import copy
import json

import numpy as np
import pytest
import torch

from src_models.auditing import auditor
from src_models.auditing.auditor import audit, audit_steps
from src_models.auditing.measures import influence
from src_models.auditing.view import view_of
from src_models.errors import ImageError, UserError


@pytest.fixture
def model(make_model):
    """A small Attention U-Net that finds something nearly everywhere."""
    made = make_model()
    made.network.final.bias.data.copy_(torch.tensor([-1.0, 1.0]))
    return made


@pytest.fixture
def quick(monkeypatch):
    """Fewer points of the curves."""
    monkeypatch.setattr(auditor, "RANDOM_ORDERS", 2)
    monkeypatch.setattr(auditor, "FRACTIONS", (0.0, 0.2, 1.0))


def picture(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


def drawn(height, width):
    labels = np.zeros((height, width), np.int32)
    labels[height // 2 - 8 : height // 2 + 4, width // 2 - 6 : width // 2 + 10] = 4
    return labels


def test_an_audit_holds_every_measure_and_json_takes_it(model, quick):
    found = audit(picture(64, 64), model, labels=drawn(64, 64), device="cpu", name="cells.tif")
    assert [one.name for one in found.maps] == ["gate 2"]
    assert [order.name for order in found.references] == ["input gradient", "the result itself"]
    (one,) = found.maps
    assert one.pointing.chance == pytest.approx(12 * 16 / 64**2)
    assert one.randomisation.layers[0] == "final"
    assert one.randomisation.layers[-1] == "encoder.0.0"
    assert one.order.deletion.scores[-1] == found.floor == found.random.insertion.scores[0]
    assert (found.looks, found.influences) == ((), ())
    kept = json.loads(json.dumps(found.to_dict()))
    assert kept["maps"][0]["order"]["deletion"]["area"] == one.order.deletion.area
    assert tuple(kept["summary"]) == found.summary
    assert found.summary[0] == "The whole plane of cells.tif was audited, 64 x 64 px."


def test_of_a_large_image_the_middle_is_audited_and_named(make_model):
    made = make_model(tile=(512, 40))
    view = view_of(picture(300, 90), made, labels=drawn(300, 90), device="cpu")
    assert tuple(view.picture.shape) == (1, 256, 40)
    assert [(part.start, part.stop) for part in view.region] == [(22, 278), (25, 65)]
    assert not view.whole
    np.testing.assert_array_equal(view.objects, drawn(300, 90)[22:278, 25:65])


def test_the_input_is_what_a_run_gives_the_network(model):
    """Normalised over the whole image, not over the part."""
    image = picture(300, 300) * np.linspace(1, 5, 300, dtype=np.float32)
    view = view_of(image, model, device="cpu")
    low, high = np.percentile(image, (model.header.intensity.low, model.header.intensity.high))
    wanted = (image[118:182, 118:182] - low) / (high - low)
    np.testing.assert_allclose(view.picture[0].numpy(), np.clip(wanted, -4, 5), atol=1e-5)


def test_of_a_stack_the_plane_that_is_asked_is_audited(model, quick):
    stack = np.stack([picture(40, 40, seed=seed) for seed in range(3)])
    labels = np.stack([drawn(40, 40), np.zeros((40, 40), np.int32), drawn(40, 40)])
    views = [view_of(stack, model, labels=labels, axes="ZYX", plane=plane, device="cpu") for plane in (None, (1,))]
    assert [view.plane for view in views] == [(0,), (1,)]
    assert [int((view.objects > 0).sum()) for view in views] == [192, 0]
    assert not torch.equal(views[0].picture, views[1].picture)
    assert audit(stack, model, labels=labels, axes="ZYX", plane=(1,), device="cpu").maps[0].pointing is None


def test_equal_seeds_give_equal_audits_and_nothing_else_changes(model, quick):
    image, before = picture(40, 40), copy.deepcopy(model.network.state_dict())
    state, kept = torch.get_rng_state(), image.copy()
    first, second = (audit(image, model, labels=drawn(40, 40), device="cpu", seed=3) for _ in range(2))
    assert first == second
    assert first != audit(image, model, labels=drawn(40, 40), device="cpu", seed=4)
    assert torch.equal(torch.get_rng_state(), state)
    assert (image == kept).all()
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.network.state_dict().items())


def test_axial_networks_tell_where_pixels_look_and_what_acts(make_model, quick, monkeypatch):
    monkeypatch.setattr(influence, "POSITIONS", 16)
    made = make_model("medt")
    made.network.head.bias.data.copy_(torch.tensor([-1.0, 1.0]))
    found = audit(picture(64, 64), made, labels=drawn(64, 64), maps=["global 2.1 received"], device="cpu")
    assert [one.name for one in found.maps] == ["global 2.1 received"]
    assert len(found.looks) == 11 + 2
    assert [one.block for one in found.influences] == ["global 2.1"]
    assert all(one.any_object >= one.same_object > 0 for one in found.looks)


def test_guided_attention_is_audited_as_a_map_and_as_where_pixels_look(make_model, quick):
    made = make_model("guided-attention", config={"width": 4, "refinements": 1})
    for head in made.network.heads:
        head.bias.data.copy_(torch.tensor([-1.0, 1.0]))
    steps = audit_steps(
        picture(64, 64), made, labels=drawn(64, 64), maps=["scale 1 step 1 received"], device="cpu", name="cells.tif"
    )
    progress = []
    while True:
        try:
            progress.append(next(steps))
        except StopIteration as finished:
            found = finished.value
            break
    assert [one.name for one in found.maps] == ["scale 1 step 1 received"]
    assert [look.block for look in found.looks] == [f"scale {scale} step 1" for scale in (1, 2, 3, 4)]
    assert all(one.any_object >= one.same_object > 0 for one in found.looks)
    assert found.influences == ()
    assert progress[-1].done == progress[-1].total


def test_progress_rises_to_its_total_and_closing_cancels(model, quick):
    steps = [(one.done, one.total) for one in audit_steps(picture(40, 40), model, device="cpu")]
    assert [done for done, _ in steps] == list(range(1, len(steps) + 1))
    assert {total for _, total in steps} == {len(steps)}
    generator = audit_steps(picture(40, 40), model, device="cpu")
    next(generator)
    generator.close()
    with pytest.raises(StopIteration):
        next(generator)
    hooks = [module for module in model.network.modules() if module._forward_hooks or module._forward_pre_hooks]
    assert hooks == []


def test_a_result_that_is_empty_is_not_explained(model):
    model.network.final.bias.data.copy_(torch.tensor([50.0, -50.0]))
    with pytest.raises(UserError, match=r"finds nothing in the middle of cells\.tif"):
        audit(picture(40, 40), model, device="cpu", name="cells.tif")


def test_models_that_cannot_be_audited_are_refused(make_model):
    with pytest.raises(UserError, match="has no attention map to audit"):
        audit(picture(40, 40), make_model("unet"), device="cpu")
    with pytest.raises(UserError, match="only 2D models"):
        audit(picture(16, 40, 40), make_model(dimensions=3), device="cpu")
    with pytest.raises(UserError, match="no attention map 'gate 9'"):
        audit(picture(40, 40), make_model(), maps=["gate 9"], device="cpu")


def test_labels_and_planes_that_do_not_fit_are_refused(model):
    with pytest.raises(ImageError, match="choose the labels that belong to it"):
        audit(picture(40, 40), model, labels=drawn(40, 44), device="cpu")
    with pytest.raises(UserError, match="has no plane"):
        audit(picture(3, 40, 40), model, axes="ZYX", plane=(3,), device="cpu")
