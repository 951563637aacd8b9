"""What a run says of itself: objects and outlines, size and zoom, and advice."""

import dataclasses

import numpy as np
import pytest
import torch
import zarr

from src_models.errors import UserError
from src_models.models.checkpoint import Model
from src_models.models.header import Intensity, ModelHeader
from src_models.prediction.segment import segment, segment_steps

WINDOW = Intensity(kind="window", low=0, high=100)


class Brightness(torch.nn.Module):
    """A network that takes what is bright for the interior of an object, and is as sure as its contrast is high."""

    def __init__(self, sureness=12.0):
        super().__init__()
        self.sureness = torch.nn.Parameter(torch.tensor(float(sureness)))

    def forward(self, x):
        return self.sureness * torch.cat([0.5 - x, x - 0.5, -torch.ones_like(x)], 1)


def model(sureness=12.0, **fields):
    fields = {"object_diameter": 20.0, "diameter_range": (10.0, 40.0), "result": "instances", **fields}
    header = ModelHeader(
        name="bright",
        purpose="",
        architecture="unet",
        config={},
        classes=("background", "interior", "boundary"),
        channels=("grey",),
        intensity=WINDOW,
        tile=(64, 64),
        overlap=(16, 16),
        **fields,
    )
    return Model(Brightness(sureness), header)


def disks(diameter, size, spacing=2):
    axis = (np.arange(size) + 0.5) % (spacing * diameter) - spacing * diameter / 2
    return (100 * (axis[:, None] ** 2 + axis**2 < diameter**2 / 4)).astype(np.float32)


def run(image, made, **options):
    return segment(image, made, device="cpu", **options)


def columns(planes=6):
    """Nine columns of discs through some planes."""
    return np.stack([disks(20, 120)] * planes)


def test_objects_of_a_stack_are_counted_once():
    found = run(columns(), model(), axes="ZYX")
    assert found.summary == "9 objects in 6 planes (54 outlines, linked through z)"
    assert found.labels.max() == 9
    np.testing.assert_array_equal(found.labels, np.broadcast_to(found.labels[0], found.labels.shape))
    assert found.provenance["settings"]["link"] == "Z"


def test_outlines_that_are_not_linked_are_called_so():
    found = run(columns(), model(), axes="ZYX", link="")
    assert found.summary == "54 outlines in 6 planes, not linked"
    assert len(np.unique(found.labels)) - 1 == found.labels.max() == 54


@pytest.mark.parametrize(
    ("axes", "link", "summary", "count"),
    [
        ("TYX", "z", "54 outlines in 6 time points, not linked", 54),
        ("TYX", "t", "9 objects in 6 time points (54 outlines, linked through t)", 9),
        ("TZYX", "z", "18 objects in 2 time points (54 outlines, linked through z, not through t)", 18),
        ("TZYX", "t", "27 objects in 3 planes (54 outlines, linked through t, not through z)", 27),
        ("TZYX", "zt", "9 objects in 6 planes (54 outlines, linked through z and t)", 9),
        ("TZYX", "", "54 outlines in 6 planes, not linked", 54),
    ],
)
def test_time_is_linked_by_choice(axes, link, summary, count):
    image = columns() if axes == "TYX" else columns().reshape(2, 3, 120, 120)
    found = run(image, model(), axes=axes, link=link)
    assert found.summary == summary
    assert len(np.unique(found.labels)) - 1 == count


def test_of_one_plane_there_is_nothing_to_link():
    assert run(disks(20, 120), model()).summary == "9 objects"
    assert run(disks(20, 120)[None], model(), axes="ZYX").summary == "9 objects"
    assert run(disks(20, 120)[:40, :40], model()).summary == "1 object"


def test_regions_of_a_class_are_linked_when_they_are_numbered(make_model):
    semantic = Model(Brightness(), dataclasses.replace(model().header, result="semantic"))
    numbered = run(columns(), semantic, axes="ZYX", result="instances")
    assert numbered.summary == "9 objects in 6 planes (54 outlines, linked through z)"
    share = (columns() > 50).mean()
    assert run(columns(), semantic, axes="ZYX").summary == f"interior {share:.1%}; no boundary"
    assert run(columns(), model(), axes="ZYX", result="semantic").summary == f"objects {share:.1%}"


def test_labels_on_disk_are_linked_and_counted_too(tmp_path):
    out = zarr.create_array(tmp_path / "labels.zarr", shape=(6, 120, 120), dtype="int32", chunks=(1, 64, 64))
    found = run(columns(), model(), axes="ZYX", labels_out=out)
    assert found.summary == "9 objects in 6 planes (54 outlines, linked through z)"
    np.testing.assert_array_equal(out[:], run(columns(), model(), axes="ZYX").labels)


def test_linking_takes_steps_that_are_counted():
    told = []
    run(columns(), model(estimates_diameter=False), axes="ZYX", on_progress=told.append)
    assert [step.done for step in told] == list(range(1, told[-1].total + 1))
    assert [step.message for step in told[-6:]] == ["linking objects of neighbouring planes"] * 6


def test_an_axis_that_cannot_be_linked_is_refused():
    with pytest.raises(UserError, match="through z, t or zt, not through 'x'"):
        run(columns(), model(), axes="ZYX", link="x")


@pytest.mark.parametrize(("diameter", "zoom"), [(8, 2.5), (25, 0.8), (60, 1 / 3)])
def test_a_size_that_is_given_is_followed_and_said(diameter, zoom):
    """From 8 to 60 px alike; there is no range in which it does nothing."""
    found = run(disks(24, 150), model(diameter_range=(7.9, 60.5)), diameter=diameter)
    assert (found.diameter, found.zoom) == (diameter, pytest.approx(zoom))
    assert found.size == f"objects of about {diameter} px, image resized {zoom:.2g} times"


def test_a_size_that_is_estimated_is_said():
    found = run(disks(24, 300), model())
    assert found.diameter == pytest.approx(24, rel=0.05)
    assert found.size == f"objects of about {found.diameter:.3g} px, image not resized"
    large = run(disks(60, 600), model())
    assert large.zoom == pytest.approx(20 / 60, rel=0.1)
    assert large.size == f"objects of about {large.diameter:.3g} px, image resized {large.zoom:.2g} times"
    assert large.provenance["settings"]["diameter_used"] == large.diameter


def test_of_a_model_that_does_not_depend_on_size_none_is_said():
    assert run(disks(24, 150), model(object_diameter=None, diameter_range=None)).size == ""
    assert run(disks(24, 150), model(estimates_diameter=False)).size == "image not resized"


def test_a_run_can_be_closed_while_it_looks_at_sizes():
    made = model()
    asked = []
    made.network.register_forward_pre_hook(lambda *_: asked.append(1))
    steps = segment_steps(disks(6, 400), made, device="cpu")
    told = [next(steps) for _ in range(4)]
    assert {step.message for step in told} == {"looking at how large the objects are"}
    assert {step.total for step in told} == {0}, "how many looks there will be is not known"
    assert len(asked) == 3
    steps.close()
    assert len(asked) == 3


def test_where_all_is_well_there_is_no_advice():
    assert run(disks(24, 300), model()).advice == ()
    assert run(columns(), model(), axes="ZYX").advice == ()


@pytest.mark.parametrize("result", ["instances", "semantic"])
def test_where_nothing_is_found_something_to_try_is_said(result):
    (advice,) = run(np.zeros((100, 100), np.float32), model(), result=result).advice
    assert advice.startswith("Nothing was found. Try")
    assert ("the object size" in advice) == (result == "instances")


def test_an_image_of_which_the_network_is_unsure_is_called_unlike():
    """Of the logits k / 2, -k / 2 and -k, the second is the background's."""
    for k in (1, 2):
        certainty = 1 - np.exp(-k / 2) / (np.exp(-k / 2) + np.exp(k / 2) + np.exp(-k))
        found = run(disks(24, 300), model(sureness=k, estimates_diameter=False))
        assert found.certainty == pytest.approx(certainty, abs=1e-3)
        advice = found.advice
        assert len(advice) == (certainty < 0.8)
        for sentence in advice:
            assert sentence.startswith("This image may be unlike those that 'bright' learnt from")
            assert f"{certainty:.0%} sure" in sentence


def test_specks_are_told_from_objects():
    """Discs of 6 px, where the network handles 10 to 40, and nobody said so."""
    found = run(disks(6, 120, spacing=3), model(estimates_diameter=False))
    assert any("100% of the outlines are specks under 10 px" in advice for advice in found.advice)


def test_objects_of_another_size_than_was_given_are_pointed_out():
    found = run(disks(24, 200), model(), diameter=60)
    assert any("are about 24 px across, not 60 px" in advice for advice in found.advice)
    assert run(disks(24, 200), model(), diameter=30).advice == ()
