"""A real viewer with the Segment widget docked, and a small model."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from class_fixtures import (  # noqa: F401 (fixtures)
    attending_model_path,
    brightness_model_path,
    class_folder,
    classify,
    classifying,
)
from correct_fixtures import correcting, dark_model_path, documents, learn, press  # noqa: F401 (fixtures)
from discs import IMAGE, settle
from napari.utils.notifications import notification_manager

from src_models.prediction.jobs import SegmentSettings


@pytest.fixture(scope="session", autouse=True)
def manifests_read_once():
    """Read the manifests of the installed packages once: napari looks for new ones whenever it opens a viewer."""
    from npe2 import PluginManifest

    look = PluginManifest.discover
    found = functools.cache(lambda: list(look()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PluginManifest, "discover", lambda paths=(): iter(look(paths) if paths else found()))
        yield


@pytest.fixture(autouse=True)
def preferences_apart(tmp_path, monkeypatch):
    """Leave what belongs to whoever runs the tests: widgets write preferences and work into a folder of the test."""
    from napari import settings

    settings._clear_plugin_settings_cache()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DOCUMENTS_DIR", str(tmp_path / "documents"))
    monkeypatch.setattr(settings, "_CFG_PATH", str(tmp_path / "settings.yaml"))
    yield
    settings._clear_plugin_settings_cache()


@pytest.fixture(scope="session")
def blob_model_path(tmp_path_factory) -> Path:
    """A semantic model for grey images that tells bright from dark, with two gates."""
    return _save_model(tmp_path_factory.mktemp("models") / "blobs.safetensors", channels=("grey",))


@pytest.fixture(scope="session")
def rgb_model_path(tmp_path_factory) -> Path:
    """The like for colour images."""
    return _save_model(tmp_path_factory.mktemp("models") / "colour.safetensors", channels=("red", "green", "blue"))


@pytest.fixture(scope="session")
def ct_model_path(tmp_path_factory) -> Path:
    """The like for CT: its network sees -150 to 250 HU."""
    from src_models.models.header import Intensity

    window = Intensity(kind="window", low=-150, high=250)
    return _save_model(tmp_path_factory.mktemp("models") / "scan.safetensors", channels=("grey",), intensity=window)


@pytest.fixture(scope="session")
def medt_path(tmp_path_factory) -> Path:
    """A MedT of random weights and gates whose norms have seen an image."""
    import torch

    from src_models.models.architectures import create
    from src_models.models.checkpoint import Model, save
    from src_models.models.header import ModelHeader

    config = {"in_channels": 1, "classes": 2, "image_size": 64}
    torch.manual_seed(0)
    network = create("medt", **config)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith((".g_q", ".g_k", ".g_v1", ".g_v2")):
                parameter.uniform_(0.2, 1.5)
        for _ in range(5):
            network.train()(torch.rand(2, 1, 64, 64))
    header = ModelHeader(
        name="medt",
        purpose="Tests",
        architecture="medt",
        config=config,
        classes=("background", "blob"),
        channels=("grey",),
        tile=(64, 64),
        overlap=(16, 16),
    )
    return save(Model(network.eval(), header), tmp_path_factory.mktemp("models") / "medt.safetensors")


def _save_model(path: Path, *, channels: tuple[str, ...], **fields: object) -> Path:
    import torch

    from src_models.models.architectures import create
    from src_models.models.checkpoint import Model, save
    from src_models.models.header import ModelHeader

    torch.manual_seed(3)
    config = {"in_channels": len(channels), "classes": 2, "widths": (4, 8, 8, 8)}
    header = ModelHeader(
        name=path.stem,
        purpose="Bright blobs, for tests",
        architecture="attention-unet",
        config=config,
        classes=("background", "blob"),
        channels=channels,
        tile=(32, 32),
        overlap=(8, 8),
        **fields,
    )
    network = create(header.architecture, **config)
    image = torch.rand(1, len(channels), 64, 64)
    for _ in range(20):  # let the batch norms see an image
        network.train()(image)
    with torch.no_grad():
        logits = network.eval()(image)
        last = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d) and m.out_channels == 2][-1]
        last.bias[1] -= (logits[:, 1] - logits[:, 0]).median()  # both classes occur
    return save(Model(network, header), path)


@pytest.fixture
def noise() -> np.ndarray:
    """A grey image with structure everywhere."""
    return np.random.default_rng(5).integers(0, 255, (48, 72), np.uint8)


@pytest.fixture
def open_widget(make_napari_viewer, blob_model_path, plugin_registered):
    """Return a function that opens a viewer with the widget and the blob model chosen."""

    def open_(**kwargs):
        viewer = make_napari_viewer(**kwargs)
        _, widget = viewer.window.add_plugin_dock_widget("napari-medt", "Segment")
        widget.open_model(blob_model_path)
        return viewer, widget

    return open_


@pytest.fixture
def plugin_registered():
    """napari knows the installed plugin."""
    from npe2 import PluginManager

    manager = PluginManager.instance()
    manager.discover()
    assert manager.get_manifest("napari-medt").display_name == "MedT"


@pytest.fixture
def disk_threads(monkeypatch):
    """Return a list that grows by the thread in which a journal is read from the disk, or waited for."""
    from src_models.journal import unfinished as unfinished_labels
    from src_models.journal.journal import LabelsJournal

    threads = []

    def noting(function):
        def noted(*arguments):
            threads.append((function.__name__, threading.current_thread()))
            return function(*arguments)

        return noted

    monkeypatch.setattr(unfinished_labels, "read_contents", noting(unfinished_labels.read_contents))
    monkeypatch.setattr(LabelsJournal, "flush", noting(LabelsJournal.flush))
    return threads


@pytest.fixture
def run_to_end(qtbot):
    """Return a function that presses Segment and waits until what was found is shown."""

    def run(widget):
        with qtbot.waitSignal(widget.ended, timeout=60_000):
            widget.segment.click()

    return run


@pytest.fixture
def messages():
    """Collect the notifications that a person would see."""
    seen: list[str] = []

    def note(notification) -> None:
        seen.append(notification.message)

    notification_manager.notification_ready.connect(note)
    yield seen
    notification_manager.notification_ready.disconnect(note)


@pytest.fixture
def held_run(monkeypatch) -> Callable[[], threading.Event]:
    """Make runs stop at their first tile until the event is set, so that something can happen meanwhile."""
    import src_models.prediction.segment as predict

    release = threading.Event()
    steps = predict.segment_steps

    def held(*args, **kwargs):
        generator = steps(*args, **kwargs)
        first = True
        while True:
            try:
                step = next(generator)
            except StopIteration as end:
                return end.value
            yield step
            if first:
                release.wait(30)
            first = False

    monkeypatch.setattr(predict, "segment_steps", held)
    yield release
    release.set()


@pytest.fixture
def expected(blob_model_path):
    """Return a function that segments an array without the plugin."""
    from src_models.models.checkpoint import load
    from src_models.prediction.segment import segment

    def run(image, path=blob_model_path, **kwargs):
        return segment(image, load(path), attention=True, **kwargs)

    return run


@pytest.fixture
def settings(blob_model_path) -> SegmentSettings:
    """The settings a widget starts with."""
    return SegmentSettings(model=blob_model_path)


@pytest.fixture
def clicking(make_napari_viewer, bright_model_path, plugin_registered, qtbot):
    """Return a function that opens a viewer with an image and the widget, ready for clicks."""

    def open_(image=IMAGE, **kwargs):
        viewer = make_napari_viewer(show=True)
        layer = viewer.add_image(image, contrast_limits=(0, 1), **kwargs) if image is not None else None
        _, widget = viewer.window.add_plugin_dock_widget("napari-medt", "Click")
        widget.open_model(bright_model_path)
        settle(qtbot, widget)
        return viewer, widget, layer

    return open_


@pytest.fixture
def do(qtbot):
    """Return a function that does something and waits until it is answered."""

    def act(widget, action, *arguments, **options):
        action(*arguments, **options)
        settle(qtbot, widget)

    return act


@pytest.fixture
def dicom_folder(tmp_path):
    """A folder of three slices of a real scanner, 5 mm apart, the last file first."""
    import pydicom
    from pydicom.data import get_testdata_file

    source = pydicom.dcmread(get_testdata_file("CT_small.dcm", download=False))
    folder = tmp_path / "ct"
    folder.mkdir()
    for number in range(3):
        position = list(source.ImagePositionPatient)
        source.ImagePositionPatient = [*position[:2], -75 + 5 * number]
        source.SOPInstanceUID = source.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
        source.save_as(folder / f"{9 - number}.dcm")
    return folder
