from __future__ import annotations

from threading import Event

import numpy as np
import pytest
from served import affine, ball, write_nifti

from napari_medt.serving.answers import Refusal
from napari_medt.serving.models import Models
from napari_medt.serving.monai_label.click_request import ClickRequest
from napari_medt.serving.monai_label.clicks import ClickedImages, click_options
from napari_medt.serving.store.served_image import open_image
from src_models.clicking.answering.network import ClickNetwork
from src_models.clicking.session import ClickSession
from src_models.files.images import read_image

CENTRE = (20, 18, 9)
OPTIONS = {"grey_values": "as the model was trained"}


class Counting(ClickNetwork):
    """A network that counts how often it is run."""

    runs = 0

    def __call__(self, images, given):
        self.runs += 1
        return super().__call__(images, given)

    def with_features(self, image, given):
        self.runs += 1
        return super().with_features(image, given)


@pytest.fixture(scope="module")
def model():
    return Models(["click"]).load("click")


@pytest.fixture
def network(model):
    return Counting(model)


@pytest.fixture
def scan(tmp_path):
    return lambda axes="RAS": open_image(
        write_nifti(tmp_path / f"{axes}.nii.gz", ball(), affine(axes)), "s", of_client=True
    )


@pytest.fixture
def ask(network):
    images = ClickedImages()

    def ask_(image, on, beside=(), *, params=OPTIONS, gone=None, **options):
        request = ClickRequest(tuple(on), tuple(beside), on[0][2] if on else None)
        found = images.answer(image, network, request, params, gone or Event(), **options)
        assert found.dtype == np.uint8
        return found.T  # (i, j, k)

    return ask_


def overlap(one, other):
    """Return the Dice of two masks."""
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def test_an_object_is_what_the_same_clicks_give_everywhere_else(ask, scan, network):
    """As ``napari-medt click`` and the widget: a session of clicks on the image as it is read."""
    image = scan()
    found = ask(image, [CENTRE, (24, 18, 9)], [(40, 35, 9)])
    session = ClickSession(image.data, network, axes=image.reading, plane=(9,))
    for voxel, positive in ((CENTRE, True), ((24, 18, 9), True), ((40, 35, 9), False)):
        _, y, x = image.to_data(voxel)
        session.click(y, x, positive)
    wanted = np.zeros(image.data.shape, bool)
    wanted[9] = session.mask
    np.testing.assert_array_equal(found.T > 0, image.to_grid(wanted))
    assert overlap(found[:, :, 9] > 0, ball()[:, :, 9] > 0) > 0.9
    assert not found[:, :, [*range(9), *range(10, 20)]].any(), "the slice in view alone"


@pytest.mark.parametrize("axes", ["LAS", "LPS", "RSP", "ASL", "PIR", "SRA"])
def test_the_object_lies_under_the_click_on_every_grid(ask, scan, axes):
    """Slices of the client's along any axis of the patient, in any direction; the truth is on the client's grid."""
    found = ask(scan(axes), [CENTRE])
    assert overlap(found[:, :, 9] > 0, ball()[:, :, 9] > 0) > 0.85
    assert found[:, :, 9].any()
    assert found.sum() == found[:, :, 9].sum()


def test_a_further_click_costs_one_run_less_than_all_again(ask, scan, network):
    image = scan()
    ask(image, [CENTRE])
    clicks = [(40, 35, 9), (2, 2, 9), (44, 3, 9)]
    counts = []
    for count in range(1, 4):
        before = network.runs
        ask(image, [CENTRE], clicks[:count])
        counts.append(network.runs - before)
    assert max(counts) <= 2, "one, and one more where the answer missed the point"
    before = network.runs
    ask(image, [CENTRE], clicks)
    assert network.runs == before, "the same points again cost nothing"


def test_a_point_that_is_taken_away_is_undone(ask, scan, network):
    image = scan()
    first, second = ask(image, [CENTRE]), ask(image, [CENTRE, (20, 30, 9)])
    before = network.runs
    np.testing.assert_array_equal(ask(image, [CENTRE]), first)
    assert network.runs == before
    np.testing.assert_array_equal(ask(image, [CENTRE, (20, 30, 9)]), second)


def test_two_people_in_one_slice_do_not_mix(ask, scan, model):
    image = scan()
    elsewhere = (40, 34, 9)
    alone = {place: ask_alone(image, model, [place]) for place in (CENTRE, elsewhere)}
    for _ in range(2):
        for place in (CENTRE, elsewhere):
            np.testing.assert_array_equal(ask(image, [place]), alone[place])


def ask_alone(image, model, on, **options):
    request = ClickRequest(tuple(on), (), on[0][2])
    return ClickedImages().answer(image, ClickNetwork(model), request, OPTIONS, Event(), **options).T


def test_nothing_given_is_nothing_found(ask, scan):
    for through in (False, True):
        found = ask(scan(), [], through_slices=through)
        assert found.shape == (48, 40, 20)
        assert not found.any()


@pytest.mark.parametrize("through", [False, True])
def test_a_first_point_beside_the_object_is_told(network, scan, through):
    request = ClickRequest((), ((1, 1, 9),), 9)
    with pytest.raises(Refusal, match="begin with a point on the object"):
        ClickedImages().answer(scan(), network, request, OPTIONS, Event(), through_slices=through)


@pytest.mark.parametrize("axes", ["RAS", "LSP"])
def test_an_object_is_carried_through_the_slices(ask, scan, axes):
    found = ask(scan(axes), [CENTRE], through_slices=True) > 0
    assert overlap(found, ball() > 0) > 0.8
    assert set(np.flatnonzero(found.any((0, 1)))) <= set(range(4, 15))


def test_carrying_is_that_of_a_session(ask, scan, network):
    image = scan()
    found = ask(image, [CENTRE, (20, 18, 11)], [(30, 18, 11)], through_slices=True)
    session = ClickSession(image.data, network, axes=image.reading, plane=(9,))
    (_, y, x) = image.to_data(CENTRE)
    session.click(y, x)
    list(session.carry())
    from src_models.clicking.prompts import Click

    for voxel, positive in (((20, 18, 11), True), ((30, 18, 11), False)):
        _, y, x = image.to_data(voxel)
        session.give(Click(y, x, positive), (11,))
    list(session.carry((11,)))
    wanted = np.zeros(image.data.shape, bool)
    for (z,), part in session.state.planes.items():
        wanted[z][part.answer.region] = part.answer.mask
    np.testing.assert_array_equal(found.T > 0, image.to_grid(wanted))


def test_a_second_place_out_of_reach_begins_a_further_part(tmp_path, ask):
    values = ball((40, 40, 24), (20, 20, 4), 6.0)
    values = np.maximum(values, ball((40, 40, 24), (20, 20, 19), 6.0))
    image = open_image(write_nifti(tmp_path / "two.nii.gz", values, affine()), "s", of_client=True)
    found = ask(image, [(20, 20, 4), (20, 20, 19)], through_slices=True) > 0
    assert found[:, :, 4].any()
    assert found[:, :, 19].any()
    assert not found[:, :, 11:13].any()


def test_carrying_ends_when_nobody_waits(ask, scan):
    gone = Event()
    gone.set()
    with pytest.raises(Refusal, match="gone"):
        ask(scan(), [CENTRE], through_slices=True, gone=gone)


def test_pictures_are_clicked_in(ask, network, repository):
    path = repository / "sample_data" / "fluorescence.png"
    image, truth = open_image(path, "p", of_client=False), read_image(path)
    found = ask(image, [(58, 27, 0)], through_slices=True)
    session = ClickSession(truth.data, network, axes=truth.reading)
    session.click(27, 58)
    np.testing.assert_array_equal(found[:, :, 0].T > 0, session.mask)
    assert session.mask.sum() > 100


def test_a_window_is_what_a_person_chose(ask, scan):
    image = scan()
    choices = click_options()["grey_values"]
    assert choices[0].startswith("soft tissue of a CT")
    found = {choice: ask(image, [CENTRE], params={"grey_values": choice}) for choice in choices}
    assert choices[2:] == [f"CT: {window}" for window in ("soft tissue", "lung", "bone", "brain", "liver")]
    # Of 60 HU against -100, the window of lungs shows next to nothing, and that of soft tissue everything.
    assert overlap(found["CT: soft tissue"][:, :, 9] > 0, ball()[:, :, 9] > 0) > 0.9
