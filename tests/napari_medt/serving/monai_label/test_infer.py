from __future__ import annotations

import json

import numpy as np
import pytest
from served import affine, ball, infer, labels_of, parts_of, write_nifti

CLICK = {"foreground": [[20, 18, 9]], "background": [], "dimension": 2, "slice": 9, "label": "liver"}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    write_nifti(folder / "left.nii.gz", ball(), affine("LAS"))
    return folder


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def test_an_answer_is_labels_and_what_they_are_called(connect, folder):
    answer = infer(connect(folder=folder), "click", "left.nii.gz", CLICK, output="all")
    assert answer.status_code == 200
    assert "content-encoding" not in answer.headers
    assert int(answer.headers["content-length"]) == len(answer.content)
    parts = parts_of(answer)
    params = json.loads(parts["params"].get_payload(decode=True))
    assert params["label_names"] == {"liver": 1}
    assert set(params["latencies"]) == {"infer", "write", "total"}
    assert parts["image"].get_filename().endswith(".nrrd")


@pytest.mark.parametrize("output", ["", "all"])
def test_a_file_goes_along_always(connect, folder, output):
    """Without one, the client of 3D Slicer crashes."""
    nothing = {**CLICK, "foreground": []}
    answer = infer(connect(folder=folder), "click", "left.nii.gz", nothing, output=output)
    assert answer.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'filename="labels-' in answer.content
    assert b"NRRD000" in answer.content


def test_the_object_lies_where_the_folder_s_image_was_clicked(connect, folder, tmp_path):
    """The client has the right-handed copy: its k runs the other way, and so does what it is answered."""
    client = connect(folder=folder)
    (tmp_path / "given.nrrd").write_bytes(client.get("/datastore/image", params={"image": "left.nii.gz"}).content)
    import SimpleITK as sitk

    given = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "given.nrrd"))).T
    np.testing.assert_array_equal(given, ball()[:, :, ::-1])
    asked = {**CLICK, "foreground": [[20, 18, 10]], "slice": 10}
    labels, place = labels_of(infer(client, "click", "left.nii.gz", asked), tmp_path)
    assert dice(labels[:, :, 10] > 0, given[:, :, 10] > 0) > 0.85
    assert labels.sum() == labels[:, :, 10].sum()
    np.testing.assert_allclose(place @ [20, 18, 10, 1], affine("LAS") @ [20, 18, 9, 1], atol=1e-4)


@pytest.mark.parametrize("axes", ["RAS", "LAS", "LSP", "PIR"])
def test_a_volume_that_is_lent_is_answered_on_its_own_grid(connect, tmp_path, axes):
    client = connect()
    path = write_nifti(tmp_path / "mine.nii.gz", ball(), affine(axes))
    session = client.put("/session/", files={"files": path.open("rb")}).json()["session_id"]
    labels, place = labels_of(infer(client, "click", "2: CT Abd", CLICK, session_id=session), tmp_path)
    assert dice(labels[:, :, 9] > 0, ball()[:, :, 9] > 0) > 0.85
    np.testing.assert_allclose(place, affine(axes), atol=1e-4)
    through, _ = labels_of(infer(client, "click-through-slices", "x", CLICK, session_id=session), tmp_path)
    assert dice(through > 0, ball() > 0) > 0.8


def test_a_leaning_volume_keeps_its_lean(connect, tmp_path):
    """As of a tilted gantry; SimpleITK refuses its NIfTI, and reads its NRRD."""
    import nrrd

    matrix = affine("LPS")
    matrix[1, 2] = 0.4
    path = write_nifti(tmp_path / "mine.nii.gz", ball(), matrix)
    client = connect()
    session = client.put("/session/", files={"files": path.open("rb")}).json()["session_id"]
    answer = infer(client, "click", "x", CLICK, session_id=session)
    (tmp_path / "a.nrrd").write_bytes(answer.content)
    labels, header = nrrd.read(str(tmp_path / "a.nrrd"))
    assert dice(labels[:, :, 9] > 0, ball()[:, :, 9] > 0) > 0.85
    np.testing.assert_allclose(header["space directions"].T, np.diag([-1, -1, 1]) @ matrix[:3, :3], atol=1e-5)


def test_a_model_segments_a_picture_of_the_folder(connect, repository, tmp_path):
    from src_models import load, segment
    from src_models.files.images import read_image

    client = connect(folder=repository / "sample_data")
    labels, _ = labels_of(infer(client, "nuclei", "fluorescence.png"), tmp_path)
    image = read_image(repository / "sample_data" / "fluorescence.png")
    wanted = segment(image.data, load("nuclei"), axes=image.reading, result="semantic").labels
    np.testing.assert_array_equal(labels[:, :, 0].T, wanted)
    told = infer(client, "nuclei", "fluorescence.png", output="json").json()
    assert told["label_names"] == {"nuclei": 1}


@pytest.mark.parametrize(
    ("model", "image", "params", "status", "words"),
    [
        ("clock", "left.nii.gz", CLICK, 404, "did you mean 'click'"),
        ("nuclei-through-slices", "left.nii.gz", CLICK, 404, "no such model"),
        ("click", "right.nii.gz", CLICK, 404, "no image 'right.nii.gz'"),
        ("click", "", CLICK, 404, "no image"),
        ("click", "left.nii.gz", {"foreground": [[99, 0, 0]]}, 400, "outside of the volume"),
        ("click", "left.nii.gz", {"foreground": "x"}, 400, "[i, j, k]"),
        ("click", "left.nii.gz", {"background": [[1, 1, 1]], "slice": 1}, 400, "begin with a point on the object"),
        ("nuclei", "left.nii.gz", {"sensitivity": 9}, 400, "sensitivity"),
    ],
)
def test_mistakes_are_told_in_a_sentence(connect, folder, model, image, params, status, words):
    answer = infer(connect(folder=folder), model, image, params)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/plain")
    assert words in answer.text


def test_other_outputs_are_told(connect, folder):
    answer = infer(connect(folder=folder), "click", "left.nii.gz", CLICK, output="dicom_seg")
    assert answer.status_code == 400
    assert "dicom_seg" in answer.text


@pytest.mark.parametrize("what", ["image", "model", "path", "device", "model_filename", "checkpoint"])
def test_parameters_choose_no_files(connect, folder, what, tmp_path):
    """What stands in them is a choice among what the server offers, never a path, as other servers have it."""
    secret = write_nifti(tmp_path / "secret.nii.gz", ball(), affine())
    answer = infer(connect(folder=folder), "click", "nothing", {**CLICK, what: str(secret)})
    assert answer.status_code == 404
    answer = infer(connect(folder=folder), "click", str(secret), CLICK)
    assert answer.status_code == 404


def test_a_session_that_has_ended_is_told(connect):
    answer = infer(connect(), "click", "x", CLICK, session_id="0" * 32)
    assert answer.status_code == 404
    assert "send it again" in answer.text


def test_an_image_that_is_deleted_meanwhile_is_told(connect, folder):
    client = connect(folder=folder)
    assert infer(client, "click", "left.nii.gz", CLICK).status_code == 200
    (folder / "left.nii.gz").unlink()
    answer = infer(client, "click", "left.nii.gz", CLICK)
    assert answer.status_code == 404
    assert "no longer on the server's disk" in answer.text or "no image" in answer.text


def test_an_image_that_is_written_again_is_read_again(connect, folder, tmp_path):
    client = connect(folder=folder)
    infer(client, "click", "left.nii.gz", CLICK)
    write_nifti(folder / "left.nii.gz", ball((20, 20, 12), (10, 10, 6)), affine("RAS"))
    asked = {**CLICK, "foreground": [[10, 10, 6]], "slice": 6}
    labels, _ = labels_of(infer(client, "click", "left.nii.gz", asked), tmp_path)
    assert labels.shape == (20, 20, 12)


def test_an_image_that_the_model_cannot_take_is_told_by_its_name(connect, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "Miller.nii.gz").write_bytes(b"\x1f\x8bnothing")
    answer = infer(connect(folder=folder), "nuclei", "Miller.nii.gz")
    assert answer.status_code == 400
    assert "Miller.nii.gz" in answer.text
    assert str(folder) not in answer.text
