"""What ``napari-medt attention`` is asked for: what each option gives for a network, and what is refused."""

import pytest

from napari_medt.cli.attention.plan import make_plan
from src_models.errors import UserError
from src_models.images.axes import read_axes
from src_models.models.header import ModelHeader, read_header
from src_models.models.library import find_model

GUIDED = ModelHeader(
    name="guided",
    purpose="Tests",
    architecture="guided-attention",
    config={"refinements": 2},
    classes=("background", "cell"),
    channels=("grey",),
)
NOTHING = {"maps": [], "at": [], "block": [], "rollout": None, "heads": None, "plane": [], "diameter": None}


@pytest.fixture
def plan():
    """Make a plan for a model that ships, from what was typed."""

    def make(model="nuclei-medt", other=None, **typed):
        headers = [name and (GUIDED if name == "guided" else read_header(find_model(name))) for name in (model, other)]
        return make_plan(*headers, **{**NOTHING, **typed})

    return make


def test_all_maps_are_recorded_unless_some_are_named(plan):
    assert plan("nuclei").maps == ["gate 2", "gate 3", "gate 4"]
    assert plan("nuclei", maps=["gate 3"]).maps == ["gate 3"]
    with pytest.raises(UserError, match="gate 9"):
        plan("nuclei", maps=["gate 9"])


def test_matrices_of_channels_are_written_unless_maps_are_named(plan):
    every = plan("guided")
    assert len(every.matrices) == 8
    assert not set(every.matrices) & set(every.maps)
    named = plan("guided", maps=["scale 1 prediction", "scale 2 step 1 channels"])
    assert (named.maps, named.matrices) == (["scale 1 prediction"], ["scale 2 step 1 channels"])
    assert plan("guided", maps=["scale 2 step 1 channels"]).maps == []
    assert plan("nuclei").matrices == []
    with pytest.raises(UserError, match="scale 9"):
        plan("guided", maps=["scale 9 channels"])


def test_a_pixel_is_looked_from_by_every_block_by_some_or_by_a_branch(plan):
    every = plan(at=["3,4"]).views
    assert len(every) == len(set(every)) > 3
    assert all(view.split()[0] in ("global", "local") for view in every)
    assert plan(at=["3,4"], block=[every[1], every[0], every[1]]).views == [every[1], every[0]]
    rolled = plan(at=["3,4"], rollout="local")
    assert (rolled.views, rolled.rollout) == (["local"], True)
    assert plan("nuclei", at=["3,4"]).views == [], "gates have a value at a pixel, and look nowhere"
    assert plan().views == []


def test_pixels_are_asked_about_once_each_and_in_their_order(plan):
    assert plan(at=["3,4", "0,1", "3,4"]).pixels == [(3, 4), (0, 1)]


def test_heads_are_numbers_or_their_mean(plan):
    assert plan(at=["3,4"], heads="2,mean").heads == (2, None)
    assert plan(at=["3,4"]).heads is None
    assert plan(at=["3,4"], heads="2,mean").look_name("local 1.1", (3, 4)) == "local 1.1 heads 2,mean at 3,4"


def test_a_pixel_of_a_stack_lies_in_the_plane_that_was_named(plan):
    reading = read_axes((2, 5, 60, 70), dtype="uint8", axes="TZYX")
    asked = plan(at=["3,4"], plane=[1, 2])
    assert asked.positions(reading, "a.tif") == [(1, 2, 3, 4)]
    assert asked.look_name("local 1.1", (3, 4)) == "local 1.1 at 1,2,3,4"
    with pytest.raises(UserError, match="give --plane 2 times, a number for T and Z"):
        plan(at=["3,4"]).positions(reading, "a.tif")
    with pytest.raises(UserError, match=r"Z=5 lies outside of a\.tif, where it goes from 0 to 4"):
        plan(at=["3,4"], plane=[1, 5]).positions(reading, "a.tif")
    with pytest.raises(UserError, match=r"Y=60 lies outside of a\.tif, where it goes from 0 to 59"):
        plan(at=["60,4"], plane=[1, 2]).positions(reading, "a.tif")
    with pytest.raises(UserError, match="has one plane; leave out --plane"):
        asked.positions(read_axes((60, 70), dtype="uint8", axes="YX"), "a.tif")


@pytest.mark.parametrize(
    ("model", "typed", "words"),
    [
        ("nuclei", {"at": ["3,4"], "block": ["local 1.1"]}, "--block asks where attention looks"),
        ("nuclei", {"at": ["3,4"], "heads": "1,1"}, "--heads asks where attention looks"),
        ("nuclei-medt", {"rollout": "local"}, "--rollout asks where a pixel looks; name the pixel with --at"),
        ("nuclei-medt", {"plane": [1]}, "--plane says where the pixels of --at lie"),
        ("nuclei-medt", {"at": ["3,4"], "rollout": "local", "heads": "1,1"}, "leave out --heads, or --rollout"),
        (
            "nuclei-medt",
            {"at": ["3,4"], "rollout": "middle"},
            "--rollout: .* has no 'middle'; choose from global",
        ),
        ("nuclei-medt", {"at": ["3,4"], "block": ["local 9.9"]}, "--block: .* has no 'local 9.9'; choose from global"),
        ("nuclei-medt", {"at": ["3;4"]}, "--at takes row and column of a pixel, such as 120,64, not '3;4'"),
        ("nuclei-medt", {"at": ["3,4"], "heads": "two"}, "--heads takes a head .* not 'two'"),
        ("guided", {"at": ["3,4"], "heads": "1,1"}, "--heads is for axial networks such as medt"),
        ("guided", {"at": ["3,4"], "rollout": "scale"}, "--rollout is for axial networks such as medt"),
        ("guided", {"at": ["3,4"], "block": ["scale 9"]}, "--block: .* has no 'scale 9'; choose from scale 1 step 1"),
        ("nuclei-medt", {"other": "nuclei"}, "no attention map that means the same"),
    ],
)
def test_what_would_do_nothing_or_cannot_be_understood_is_refused(plan, model, typed, words):
    with pytest.raises(UserError, match=words):
        plan(model, **typed)


def test_maps_of_models_of_one_architecture_are_compared_by_name(plan):
    assert plan("nuclei", "nuclei", maps=["gate 3"]).compared == [("gate 3", "gate 3")]
    assert plan("nuclei", "nuclei").compared == [(name, name) for name in ("gate 2", "gate 3", "gate 4")]


def test_of_a_model_of_classes_it_is_said_which_command_tells_the_same(plan):
    classes = ModelHeader(
        name="cells", purpose="Tests", architecture="med-former", config={}, classes=("a", "b"), channels=("grey",),
        tile=(72, 72), overlap=(0, 0), result="class",
    )  # fmt: skip
    with pytest.raises(UserError, match="'cells' tells classes: `napari-medt classify IMAGE --why FOLDER`"):
        make_plan(classes, None, **{**NOTHING, "at": ["3,4"]})
