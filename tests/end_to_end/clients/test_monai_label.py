"""The MONAI Label module of 3D Slicer: what is clicked, what comes back and what is submitted lie at one place."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from patient_scans import CENTRE, GRIDS, inside, places, truth, write_scan
from running_server import Serving

CLICKS, THROUGH = "click", "click-through-slices"


def dice(found, wanted):
    """How far two masks agree."""
    return 2 * np.count_nonzero(found & wanted) / (np.count_nonzero(found) + np.count_nonzero(wanted))


def read(path):
    """Read labels with readers that are not tested here: values (i, j, k), affine to (right, anterior, superior)."""
    if path.suffix == ".nrrd":
        import nrrd

        values, header = nrrd.read(str(path))
        lps = np.eye(4)
        lps[:3] = np.column_stack([*header["space directions"], header["space origin"]])
        return values, np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps
    image = nib.load(path)
    return np.asarray(image.dataobj), image.affine


def check_object(module, name, slice_only):
    """Compare a segment, as Slicer has it in the patient, with the object's true place."""
    from in_slicer import affine_of

    found = module.scene.segment(name)
    affine = affine_of(module.scene.volume)
    wanted = truth(affine)
    into = np.rint((found - affine[:3, 3]) @ np.linalg.inv(affine[:3, :3]).T).astype(int)
    drawn = np.zeros(wanted.shape, bool)
    drawn[tuple(into.T)] = True
    if slice_only is not None:
        assert not np.delete(drawn, slice_only, axis=2).any()
        drawn, wanted = drawn[..., slice_only], wanted[..., slice_only]
    assert dice(drawn, wanted) > 0.85
    return found


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd"])
@pytest.mark.parametrize("grid", GRIDS)
def test_a_click_its_segment_and_the_submitted_label_lie_at_one_place(module, server, grid, suffix):
    name = f"{grid}{suffix}"
    if grid == "sheared":  # NIfTI files of ITK hold no shear, so a person changes the module's setting
        module.ending = ".nrrd"
    assert name in module.client.datastore()["objects"]
    module.open_sample({"id": name, "name": f"{grid}-copy.nrrd"})
    np.testing.assert_allclose(module.scene.place_of(module.scene.voxel_at(CENTRE)), CENTRE, atol=1.6)

    voxel = module.scene.voxel_at(CENTRE)
    told = module.click(CLICKS, "liver", [voxel])
    assert told["label_names"] == {"liver": 1}
    found = check_object(module, "liver", voxel[2])
    assert np.linalg.norm(found - module.scene.place_of(voxel), axis=1).min() < 1e-3

    module.submit()
    with urllib.request.urlopen(f"{server.address}/datastore/label?label={name}&tag=final") as answer:
        path = module.folder / answer.headers.get_filename()
        path.write_bytes(answer.read())
    labels, affine = read(path)
    assert set(np.unique(labels)) == {0, 1}
    at = places(affine)[labels == 1]
    np.testing.assert_allclose(at[np.lexsort(np.round(at, 3).T)], found, atol=1e-3)
    assert inside(at).mean() > 0.8


def test_an_object_is_carried_through_the_slices(module):
    module.open_sample({"id": "LAS.nii.gz", "name": "a.nrrd"})
    module.click(THROUGH, "object", [module.scene.voxel_at(CENTRE)])
    check_object(module, "object", None)
    answer = module.submit(model="nuclei")
    assert (answer["image"], answer["label"]) == ("LAS.nii.gz", "LAS.nii.gz")


@pytest.fixture(scope="module")
def bare_server(tmp_path_factory):
    """A server without images of its own, and without a token."""
    serving = Serving(None, tmp_path_factory.mktemp("bare") / "store", "--no-token", "--model", "click")
    yield serving
    serving.close()


@pytest.mark.parametrize("grid", ["RAS", "LPI", "oblique", "sheared"])
def test_a_volume_of_ones_own_needs_no_data_set(bare_server, grid, tmp_path):
    from slicer_module import Module

    server = bare_server
    module = Module(server.address, tmp_path, ".nrrd" if grid in ("RAS", "sheared") else ".nii.gz")
    before = module.refresh()["datastore"]["total"]
    path = write_scan(tmp_path / f"2: CT Abd {grid}.nrrd", GRIDS[grid])
    module.use(path)
    voxel = module.scene.voxel_at(CENTRE)
    module.click(CLICKS, "liver", [voxel])
    check_object(module, "liver", voxel[2])
    first = module.sample["session_id"]
    module.client.remove_session(first)  # as if it had expired: it is sent again, without a word to the person
    module.click(CLICKS, "liver", [voxel], [[1, 1, voxel[2]]])
    assert module.sample["session_id"] != first
    module.submit()
    assert module.refresh()["datastore"]["total"] == before + 1
    assert module.refresh()["datastore"]["completed"] == before + 1
    # Of what a volume is called, letters and digits alone come into the name of a file.
    assert not [one for one in server.store.rglob("*") if set(one.name) & set(": /\\")]


def test_more_clicks_mend_the_object_and_their_undoing_undoes_that(module):
    module.open_sample({"id": "RAS.nrrd", "name": "a.nrrd"})
    voxel = module.scene.voxel_at(CENTRE)
    module.click(CLICKS, "a", [voxel])
    first = module.scene.segment("a")
    beside = [voxel[0] + 6, voxel[1], voxel[2]]
    module.click(CLICKS, "a", [voxel], [beside])
    mended = module.scene.segment("a")
    assert np.linalg.norm(mended - module.scene.place_of(beside), axis=1).min() > 0.5
    module.click(CLICKS, "a", [voxel])
    np.testing.assert_allclose(module.scene.segment("a"), first)


def test_a_click_leaves_other_segments_alone(module):
    module.open_sample({"id": "LPS.nrrd", "name": "a.nrrd"})
    voxel = module.scene.voxel_at(CENTRE)
    module.click(CLICKS, "a", [voxel])
    first = module.scene.segment("a")
    module.click(CLICKS, "b", [[3, 3, voxel[2]]])
    b = module.scene.segment("b")
    a = module.scene.segment("a")
    assert len(b)
    np.testing.assert_allclose(a, first)


def test_a_model_that_segments_by_itself_names_its_segments_without_gaps(module):
    info = module.refresh()
    module.open_sample({"id": "RAI.nii.gz", "name": "a.nrrd"})
    told = module.segment("nuclei")
    assert sorted(told["label_names"].values()) == list(range(1, len(told["label_names"]) + 1))
    assert set(told["label_names"]) <= set(info["labels"])
    check_object(module, next(iter(told["label_names"])), None)


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda module: module.click(CLICKS, "a", [[99, 0, 0]]), "lies outside of the volume"),
        (lambda module: module.click(CLICKS, "a", [], [[1, 1, 1]]), "begin with a point on the object"),
        (lambda module: module.click("no-such", "a", [[1, 1, 1]]), "there is no such model here"),
        (lambda module: module.client.infer(CLICKS, "nobody's", {"foreground": [[1, 1, 1]]}), "nobody's"),
        (lambda module: module.client.next_sample("no-such", {}), "there is no such strategy"),
        (lambda module: module.client.remove_session("no-such"), "no such session"),
    ],
    ids=["outside", "only-beside", "model", "image", "strategy", "session"],
)
def test_a_refusal_is_a_sentence_in_the_dialog(module, ask, says):
    from monailabel.client.client import MONAILabelClientException

    module.open_sample({"id": "RAS.nii.gz", "name": "a.nrrd"})
    with pytest.raises(MONAILabelClientException) as raised:
        ask(module)
    message = raised.value.msg
    assert says in message
    assert message.startswith("Status: 4")
    assert "Internal Server Error" not in message
    assert "{" not in message


def test_after_a_refusal_the_next_request_is_answered(module):
    from monailabel.client.client import MONAILabelClientException

    module.open_sample({"id": "RAS.nii.gz", "name": "a.nrrd"})
    with pytest.raises(MONAILabelClientException):
        module.click(CLICKS, "a", [[99, 0, 0]])
    module.click(CLICKS, "a", [module.scene.voxel_at(CENTRE)])
    assert len(module.scene.segment("a"))


def test_the_numbers_of_submitted_labels_are_the_places_of_their_names(module, server):
    module.open_sample({"id": "RPI.nrrd", "name": "a.nrrd"})
    voxel = module.scene.voxel_at(CENTRE)
    module.click(CLICKS, "liver", [voxel])
    module.click(CLICKS, "spleen", [[3, 3, voxel[2]]])
    wanted = {name: module.scene.segment(name) for name in ("liver", "spleen")}
    module.submit()
    kept = module.client.download_label("RPI.nrrd", "final")
    values, affine = read(Path(kept))
    told = module.client.datastore()["objects"]["RPI.nrrd"]["labels"]["final"]["info"]
    names = [one["name"] for one in told["label_info"]]
    for value, name in enumerate(names, start=1):
        at = places(affine)[values == value]
        np.testing.assert_allclose(at[np.lexsort(np.round(at, 3).T)], wanted[name], atol=1e-3)


def test_labels_of_a_tilted_gantry_that_nifti_straightened_are_known_and_said(module):
    module.open_sample({"id": "sheared.nii.gz", "name": "a.nrrd"})
    module.click(CLICKS, "nuclei", [module.scene.voxel_at(CENTRE)])
    assert module.ending == ".nii.gz"
    assert "taken as the one it was drawn on" in module.submit(model="nuclei")["note"]


def test_the_answer_to_a_click_lies_in_the_slice_in_view_alone(module):
    """What was drawn in other slices of the segment stays."""
    module.open_sample({"id": "LPS.nrrd", "name": "a.nrrd"})
    voxel = module.scene.voxel_at(CENTRE)
    other = [voxel[0], voxel[1], voxel[2] - 1]
    module.click(CLICKS, "a", [voxel])
    first = module.scene.segment("a")
    module.click(CLICKS, "a", [voxel, other])
    both = module.scene.segment("a")
    for place in first:
        assert np.linalg.norm(both - place, axis=1).min() < 1e-3
    assert len(both) > len(first)
