"""The nnInteractive extension of 3D Slicer, by its real client: prompts in any plane, at their place."""

from __future__ import annotations

import numpy as np
import pytest
from patient_scans import CENTRE, GRIDS, truth

SPACING = [3.0, 1.25, 1.0]  # of an array (k, j, i)


def dice(found, wanted):
    """How far two masks agree."""
    return 2 * np.count_nonzero(found & wanted) / (np.count_nonzero(found) + np.count_nonzero(wanted))


class Extension:
    """What the extension does when a volume is chosen, in its order."""

    def __init__(self, address, path):
        from in_slicer import Scene, affine_of, array_of
        from nnInteractive.inference.remote import nnInteractiveRemoteInferenceSession

        self.scene = Scene()
        volume = self.scene.load(path)
        self.values = np.ascontiguousarray(array_of(volume.GetImageData()).T)  # (k, j, i)
        self.truth = truth(affine_of(volume)).T
        self.session = nnInteractiveRemoteInferenceSession(address)
        self.session.set_do_autozoom(True)
        self.session.set_image(self.values[None], {"spacing": SPACING})
        self.found = np.zeros(self.values.shape, np.uint8)
        self.session.set_target_buffer(self.found)
        self.session.reset_interactions()

    @property
    def centre(self):
        """The voxel (k, j, i) in the middle of the object."""
        return self.scene.voxel_at(CENTRE)[::-1]


@pytest.fixture
def extension(server, scans):
    opened = []

    def extension_(name):
        opened.append(Extension(server.address, scans / name))
        return opened[-1]

    yield extension_
    for one in opened:
        one.session.close()


@pytest.mark.parametrize("grid", [*GRIDS])
def test_a_point_gives_the_object_at_its_place(extension, grid):
    one = extension(f"{grid}.nrrd")
    bounds = one.session.add_point_interaction(one.centre, include_interaction=True)
    assert one.found[tuple(one.centre)]
    assert dice(one.found > 0, one.truth) > 0.8
    inside = np.argwhere(one.found)
    for axis, (first, last) in enumerate(bounds):
        assert first <= inside[:, axis].min()
        assert inside[:, axis].max() < last


def test_points_beside_the_object_take_away_and_undo_brings_back(extension):
    one = extension("RAS.nrrd")
    one.session.add_point_interaction(one.centre, include_interaction=True)
    first = one.found.copy()
    beside = [one.centre[0], one.centre[1], one.centre[2] + 6]
    one.session.add_point_interaction(beside, include_interaction=False)
    assert not one.found[tuple(beside)]
    assert one.session.undo()
    np.testing.assert_array_equal(one.found, first)
    assert one.session.undo()
    assert not one.found.any()
    assert not one.session.undo()  # which the extension shows as "Nothing to undo"


@pytest.mark.parametrize("plane", [0, 1, 2], ids=["axial", "coronal", "sagittal"])
@pytest.mark.parametrize("kind", ["box", "scribble", "lasso"])
def test_boxes_scribbles_and_lassos_come_from_every_plane(extension, kind, plane):
    one = extension("LPS.nrrd")
    at = one.centre[plane]
    here = np.take(one.truth, at, axis=plane)
    rows, columns = np.nonzero(here)
    bounds = [[int(rows.min()), int(rows.max()) + 1], [int(columns.min()), int(columns.max()) + 1]]
    bounds.insert(plane, [at, at + 1])
    if kind == "box":
        one.session.add_bbox_interaction(bounds, include_interaction=True)
    else:
        drawn = np.zeros(one.truth.shape, np.uint8)
        stroke = np.expand_dims(here, plane)
        place = tuple(slice(*pair) if axis == plane else slice(None) for axis, pair in enumerate(bounds))
        if kind == "scribble":  # one row through the middle
            line = [slice(None)] * 3
            line[plane] = slice(at, at + 1)
            along = [axis for axis in range(3) if axis != plane]
            middle = one.centre[along[0]]
            line[along[0]] = slice(middle, middle + 1)
            drawn[tuple(line)] = one.truth[tuple(line)]
        else:
            drawn[place] = stroke
        box = [[int(ends.min()), int(ends.max()) + 1] for ends in np.nonzero(drawn)]
        crop = np.ascontiguousarray(drawn[tuple(slice(*pair) for pair in box)])
        send = {"scribble": one.session.add_scribble_interaction, "lasso": one.session.add_lasso_interaction}[kind]
        send(crop, include_interaction=True, interaction_bbox=box)
    assert dice(np.take(one.found, at, axis=plane) > 0, here) > 0.7


def test_a_prompt_that_cannot_be_used_changes_nothing_and_raises_nothing(extension):
    one = extension("RAS.nrrd")
    one.session.add_point_interaction(one.centre, include_interaction=True)
    before = one.found.copy()
    one.session.add_point_interaction([999, 0, 0], include_interaction=True)
    one.session.add_point_interaction([-1, -1, -1], include_interaction=False)
    np.testing.assert_array_equal(one.found, before)


def test_what_was_segmented_before_is_gone_on_with(extension):
    one = extension("RAS.nrrd")
    begun = np.zeros(one.found.shape, np.uint8)
    begun[one.centre[0]] = one.truth[one.centre[0]]
    one.session.reset_interactions()
    one.session.add_initial_seg_interaction(begun, run_prediction=False)
    np.testing.assert_array_equal(one.found, begun)
    beside = [one.centre[0], one.centre[1], one.centre[2] + 5]
    one.session.add_point_interaction(beside, include_interaction=False)
    assert not one.found[tuple(beside)]
    assert one.found[one.centre[0]].any()


def test_the_test_of_the_connection_and_the_end(server):
    from nnInteractive.inference.remote import SessionExpiredError, nnInteractiveRemoteInferenceSession

    session = nnInteractiveRemoteInferenceSession(server.address)
    assert session.ping()
    assert session.supported_interactions["points"]
    assert session.supports_undo
    assert session.heartbeat() > 0
    assert session.lease_status()["remaining_seconds"] > 0
    token = session._http.headers["X-Lease-Token"]
    session.close()
    again = nnInteractiveRemoteInferenceSession(server.address)
    again._http.headers["X-Lease-Token"] = token
    with pytest.raises(SessionExpiredError):
        again.set_image(np.zeros((1, 4, 8, 8), np.int16), {"spacing": SPACING})
    again.close()


def test_the_token_may_also_be_the_api_key(server):
    from nnInteractive.inference.remote import nnInteractiveRemoteInferenceSession

    bare, _, token = server.address.rpartition("/")
    with nnInteractiveRemoteInferenceSession(bare, api_key=token) as session:
        assert session.ping()
    with pytest.raises(Exception, match="401"):
        nnInteractiveRemoteInferenceSession(bare, api_key="wrong-token")
