"""Scans opened and labels saved by dialogs: napari's own, and those of the plugin's commands."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
import tifffile
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QDialogButtonBox, QFileDialog, QLineEdit

from napari_medt.viewer.placement import placement
from src_models.errors import OutputError, UserError
from src_models.files.volumes.nrrd import read_nrrd

PLUGIN = "napari-medt"
AFFINE = nib.affines.from_matvec(np.diag([0.5, 0.75, -2.5]), (-30, 20, 100))
pytestmark = pytest.mark.usefixtures("plugin_registered")


@pytest.fixture
def scan_path(tmp_path):
    """A scan in a folder of its own."""
    (tmp_path / "patient").mkdir()
    data = np.linspace(-1000, 900, 120).astype("int16").reshape(6, 5, 4)
    image = nib.Nifti1Image(data, AFFINE)
    image.header.set_xyzt_units("mm", "sec")
    nib.save(image, tmp_path / "patient" / "scan.nii.gz")
    return tmp_path / "patient" / "scan.nii.gz"


@pytest.fixture
def viewer(make_napari_viewer, scan_path):
    """A viewer with a scan, and labels over it that are selected."""
    viewer = make_napari_viewer()
    (scan,) = viewer.open(scan_path, plugin=PLUGIN)
    viewer.add_labels(np.arange(120).reshape(scan.data.shape) % 7, name="mine", **placement(scan))
    return viewer


def is_the_labels(path, viewer):
    if path.suffix.lower() == ".nrrd":
        return is_the_labels_in_nrrd(path, viewer)
    image = nib.load(path)
    np.testing.assert_array_equal(image.affine, AFFINE)
    np.testing.assert_array_equal(np.asarray(image.dataobj), viewer.layers["mine"].data[::-1, ::-1, ::-1].T)
    return True


def is_the_labels_in_nrrd(path, viewer):
    image = sitk.ReadImage(str(path))
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ AFFINE
    np.testing.assert_allclose(np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing(), lps[:3, :3])
    np.testing.assert_allclose(image.GetOrigin(), lps[:3, 3])
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), viewer.layers["mine"].data[::-1, ::-1, ::-1])
    return True


# napari's own dialog: File > Save Selected Layers


@pytest.fixture
def save_selected(monkeypatch):
    """Return a function that answers napari's dialog with a name and the type that begins so."""

    def save(viewer, name, kind):
        def answer(*_args, **options):
            chosen = [one for one in options["filter"].split(";;") if one.startswith(kind)]
            assert len(chosen) == 1, options["filter"]
            return str(name), chosen[0]

        monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
        action = "napari.window.file.save_layers_dialog.selected"
        from napari._app_model import get_app_model

        get_app_model().commands.execute_command(action).result()

    return save


OURS, NAPARIS = "MedT labels of a scan (*.nii.gz *.nii *.seg.nrrd *.nrrd *.mha *.dcm)", "napari builtins labels"


@pytest.mark.parametrize("kind", [OURS, NAPARIS])
@pytest.mark.parametrize("name", ["mine.nii.gz", "mine.nii", "MINE.NII.GZ", "mine.nrrd", "mine.seg.nrrd"])
def test_a_name_that_ends_as_a_scans_labels_is_written_so_whatever_type_is_chosen(
    viewer, tmp_path, save_selected, name, kind
):
    save_selected(viewer, tmp_path / name, kind)
    assert is_the_labels(tmp_path / name, viewer)


def test_segments_of_slicer_keep_their_names_from_file_to_file(viewer, tmp_path):
    mine = viewer.layers["mine"]
    mine.features = {"index": [1, 2, 6], "name": ["liver", "Gefäß", "spleen"]}
    mine.save(str(tmp_path / "mine.seg.nrrd"), plugin=PLUGIN)
    (opened,) = viewer.open(tmp_path / "mine.seg.nrrd", plugin=PLUGIN)
    assert opened.features["name"].dropna().tolist() == ["liver", "Gefäß", "spleen"]
    np.testing.assert_array_equal(opened.data, mine.data)
    np.testing.assert_allclose(opened.data_to_world((1, 2, 3)), mine.data_to_world((1, 2, 3)))
    opened.save(str(tmp_path / "again.seg.nrrd"), plugin=PLUGIN)
    assert [one[:2] for one in read_nrrd(tmp_path / "again.seg.nrrd").segments] == [
        (1, "liver"),
        (2, "Gefäß"),
        (6, "spleen"),
    ]


@pytest.mark.parametrize("name", ["mine", "mine.of monday", "patient.1", "mine.gz"])
def test_an_ending_that_was_left_out_is_added(viewer, tmp_path, save_selected, name):
    save_selected(viewer, tmp_path / name, OURS)
    assert is_the_labels(tmp_path / f"{name.removesuffix('.gz')}.nii.gz", viewer)


def test_a_file_that_nobody_was_asked_about_is_not_replaced(viewer, tmp_path, save_selected):
    (tmp_path / "mine.nii.gz").write_bytes(b"of another day")
    with pytest.raises(OutputError, match=r"mine\.nii\.gz"):
        save_selected(viewer, tmp_path / "mine", OURS)
    assert (tmp_path / "mine.nii.gz").read_bytes() == b"of another day"
    save_selected(viewer, tmp_path / "mine.nii.gz", OURS)  # the dialog asked about this one
    assert is_the_labels(tmp_path / "mine.nii.gz", viewer)


@pytest.mark.parametrize("kind", [OURS, NAPARIS])
def test_other_endings_are_napari_s(viewer, tmp_path, save_selected, kind):
    save_selected(viewer, tmp_path / "mine.tif", kind)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "mine.tif"), viewer.layers["mine"].data)


def test_without_the_plugin_napari_writes_as_before(viewer, tmp_path, save_selected):
    from npe2 import PluginManager

    manager = PluginManager.instance()
    before = manager.commands.get("napari.write_labels")
    manager.deactivate(PLUGIN)
    try:
        assert manager.commands.get("napari.write_labels") is not before
        with pytest.raises(OSError, match="did not return any written paths"):
            save_selected(viewer, tmp_path / "mine.nii.gz", NAPARIS)
    finally:
        manager.activate(PLUGIN)
    save_selected(viewer, tmp_path / "mine.nii.gz", NAPARIS)
    assert is_the_labels(tmp_path / "mine.nii.gz", viewer)


@pytest.mark.parametrize("kind", [OURS, NAPARIS])
def test_a_real_mask_that_was_painted_in_is_saved_on_its_scan(viewer_of_real_scan, tmp_path, save_selected, kind):
    viewer, mask_path = viewer_of_real_scan
    mask = viewer.layers["mask"]
    mask.fill((50, 40, 40), 200)
    save_selected(viewer, tmp_path / "mended.nii.gz", kind)
    written, source = nib.load(tmp_path / "mended.nii.gz"), nib.load(mask_path)
    np.testing.assert_array_equal(written.affine, source.affine)
    before, after = np.asarray(source.dataobj), np.asarray(written.dataobj)
    assert 0 < (after == 200).sum() == (before != after).sum() < before.size


@pytest.fixture
def viewer_of_real_scan(make_napari_viewer, shared):
    """A viewer with a CT and its mask, which the file does not say to be one, as labels that are selected."""
    folder = shared / "data" / "ct_totalseg"
    if not folder.is_dir():
        pytest.skip(f"needs the scans in {folder}")
    viewer = make_napari_viewer()
    viewer.open(folder / "images" / "torso_3mm.nii.gz", plugin=PLUGIN)
    (mask,) = viewer.open(folder / "masks" / "torso_3mm.nii.gz", plugin=PLUGIN)
    data, place = np.array(mask.data, int), placement(mask)
    viewer.layers.remove(mask)
    viewer.add_labels(data, name="mask", **place)
    return viewer, folder / "masks" / "torso_3mm.nii.gz"


# The plugin's commands, as the command palette and File > IO Utilities call them


def run_command(name):
    from napari._app_model import get_app_model

    return get_app_model().commands.execute_command(f"{PLUGIN}.{name}").result()


def test_opening_asks_for_files_and_opens_them(make_napari_viewer, scan_path, monkeypatch):
    viewer = make_napari_viewer()
    second = scan_path.with_name("other.nii")
    nib.save(nib.Nifti1Image(np.zeros((4, 4, 4), "int16"), AFFINE), second)
    shown = []

    def answer(_parent, title, folder, kinds):
        shown.append((title, folder, kinds))
        return [str(scan_path), str(second)], kinds

    monkeypatch.setattr(QFileDialog, "getOpenFileNames", answer)
    run_command("read_scans")
    assert [layer.name for layer in viewer.layers] == ["scan", "other"]
    assert viewer.layers["scan"].metadata["napari_medt"]["volume"].path == scan_path
    assert "*.nii.gz" in shown[0][2]
    assert "*.IMA" in shown[0][2]
    run_command("read_scans")
    assert shown[1][1] == str(scan_path.parent)


def test_slices_of_one_series_that_are_chosen_together_are_one_layer(make_napari_viewer, dicom_folder, monkeypatch):
    viewer = make_napari_viewer()
    names = sorted(str(path) for path in dicom_folder.iterdir())
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: (names, ""))
    run_command("read_scans")
    assert [layer.data.shape for layer in viewer.layers] == [(3, 128, 128)]


def test_a_folder_of_slices_is_asked_for_and_opened(make_napari_viewer, dicom_folder, tmp_path, monkeypatch):
    viewer = make_napari_viewer()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(dicom_folder))
    run_command("open_slices")
    assert [layer.data.shape for layer in viewer.layers] == [(3, 128, 128)]
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "empty"))
    with pytest.raises(UserError, match="no DICOM slices in this folder"):
        run_command("open_slices")


@pytest.mark.parametrize("command", ["read_scans", "open_slices", "write_scan_labels"])
def test_a_dialog_that_is_cancelled_does_nothing(viewer, command, monkeypatch, tmp_path):
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([], ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    monkeypatch.setattr(QFileDialog, "exec", lambda _self: 0)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    run_command(command)
    assert len(viewer.layers) == 2
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_saving_adds_the_ending_in_a_real_dialog_beside_the_scan(viewer, scan_path, messages):
    seen = {}

    def type_and_accept():
        dialog = QApplication.activeModalWidget()
        seen["folder"], seen["offered"] = dialog.directory().absolutePath(), dialog.selectedFiles()[0]
        dialog.findChild(QLineEdit, "fileNameEdit").setText("from the dialog")
        dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Save).click()

    QTimer.singleShot(500, type_and_accept)
    run_command("write_scan_labels")
    assert seen == {"folder": str(scan_path.parent), "offered": str(scan_path.with_name("mine.nii.gz"))}
    assert is_the_labels(scan_path.with_name("from the dialog.nii.gz"), viewer)
    assert messages == [f"Saved {scan_path.with_name('from the dialog.nii.gz')}."]


def test_saving_says_which_labels_it_lacks(viewer, messages):
    viewer.add_labels(np.zeros((4, 5, 6), int))
    viewer.layers.selection = {viewer.layers["scan"]}
    with pytest.raises(OutputError, match="select the one Labels layer"):
        run_command("write_scan_labels")
