"""Make the screenshots of the documents: docs/images/*.png, of the whole window with sample images really segmented.

    xvfb-run -a -s "-screen 0 1600x1200x24" python docs/make_screenshots.py

``--model FILE`` takes another model file than the shipped `nuclei`, ``--medt FILE`` than `nuclei-medt`, and ``--click
FILE`` than `click`. ``--scan FILE`` is a CT to click in; without one, that picture stays as it is. So does that of
classes without ``--classify MODEL IMAGE LABELS``: a model of classes, an image, and labels of its objects.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

# Neither the preferences, the unsaved work nor the corrections of whoever runs this.
os.environ["NAPARI_CONFIG"] = f"{tempfile.mkdtemp()}/settings.yaml"
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp()
os.environ["XDG_DOCUMENTS_DIR"] = tempfile.mkdtemp()

import napari
import napari.settings
import numpy as np
from napari.layers import Labels
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QScrollArea

from napari_medt.viewer.layer_notes import is_own_layer, notes_of
from src_models.models.library import find_model

IMAGES = Path(__file__).parent / "images"
SIZE = (1280, 800)
TALL = (1280, 1000)
NUCLEI = ((244, 266), (250, 316), (263, 381), (281, 224))  # of the sample in fluorescence
AORTA = (10, 299.5, 263.5)  # a place (z, y, x) in the CT
NUCLEUS = (130, 125)  # a pixel inside a nucleus of the sample in stained tissue


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=find_model("nuclei"))
    parser.add_argument("--medt", type=Path, default=find_model("nuclei-medt"))
    parser.add_argument("--click", type=Path, default=find_model("click"))
    parser.add_argument("--scan", type=Path)
    parser.add_argument("--classify", type=Path, nargs=3, metavar=("MODEL", "IMAGE", "LABELS"))
    parser.add_argument("--zoom", type=float, default=1.0, help="by how much that image is enlarged for the model")
    parser.add_argument("--output", type=Path, default=IMAGES)
    parser.add_argument("--theme", default="dark", help="of napari: dark, light or system")
    only = {"correct": correct, "classify": classify, "organs": organs}
    parser.add_argument("--only", choices=only, help="make these pictures, and leave the others")
    options = parser.parse_args()
    options.output.mkdir(exist_ok=True)
    napari.settings.get_settings().appearance.theme = options.theme
    if options.only is not None:
        only[options.only](options)
        return
    for sample in ("fluorescence", "histology"):
        viewer, widget = open_viewer(sample, options.model)
        run(widget)
        save(viewer, options.output / f"segment_{sample}.png")
        show_attention(viewer, "gate 3")
        save(viewer, options.output / f"attention_{sample}.png")
        viewer.close()
    viewer, widget = open_viewer("histology", options.medt)
    run(widget)
    save(viewer, options.output / "medt_segment.png")
    show_attention(viewer, "global 2.1 received")
    save(viewer, options.output / "medt_received.png")
    viewer.close()
    point(options)
    click(options)
    correct(options)
    classify(options)
    organs(options)


def organs(options) -> None:
    """Show the sample CT with the organs that ct-organs finds, and their sizes and HU."""
    viewer, widget = open_viewer("abdomen_ct", find_model("ct-organs"))
    viewer.window.resize(*TALL)
    run(widget)
    theirs = next(layer for layer in viewer.layers if isinstance(layer, Labels) and not is_own_layer(layer))
    theirs.visible = False
    found = next(layer for layer in viewer.layers if isinstance(layer, Labels) and is_own_layer(layer))
    found.opacity = 0.5
    viewer.layers.selection.active = found
    viewer.fit_to_view()
    save(viewer, options.output / "ct_organs.png")
    _, measuring = viewer.window.add_plugin_dock_widget("napari-medt", "Measure")
    measuring.start()
    while measuring.run.running:
        wait(0.1)
    save(viewer, options.output / "measure_organs.png")
    viewer.close()


def click(options) -> None:
    """Show the Click widget: nuclei accepted, one being clicked; and, in a CT, an organ through its slices."""
    viewer, widget = open_viewer("fluorescence", options.click, "Click")
    for nucleus in NUCLEI[:-1]:
        give(widget, nucleus)
        done(widget, widget.accept)
    give(widget, NUCLEI[-1])
    save(viewer, options.output / "click_fluorescence.png")
    viewer.close()
    if options.scan is None:
        return
    viewer = napari.Viewer(show=False, title="napari")
    viewer.show()
    viewer.open(options.scan, plugin="napari-medt")
    _, widget = viewer.window.add_plugin_dock_widget("napari-medt", "Click")
    widget.open_model(options.click)
    viewer.window.resize(*SIZE)
    viewer.dims.set_current_step(0, AORTA[0])
    done(widget, viewer.fit_to_view)
    image = widget.controls.images.layer()
    done(widget, lambda: widget.click(tuple(image.data_to_world(AORTA))))
    done(widget, widget.carry)
    save(viewer, options.output / "click_ct.png")
    viewer.close()


def correct(options) -> None:
    """Show the widget "Correct and learn": half of an image mended, learning, and before and after learning."""
    viewer, widget = open_viewer("brightfield", options.model, "Correct and learn")
    viewer.window.resize(*TALL)
    wait(0.5)
    viewer.fit_to_view()
    truth = next(layer for layer in viewer.layers if layer.name != "brightfield")
    mask = np.array(truth.data)
    viewer.layers.remove(truth)
    press(widget, widget.controls.segment)
    labels, half = widget.marking.labels(), mask.shape[0] // 2
    wrong = np.nonzero((mask > 0)[:half] != (labels.data > 0)[:half])
    labels.data_setitem(wrong, mask[wrong])
    settled(widget)
    save(viewer, options.output / "correct_mark.png")
    widget.marking.mark("region", ((0, half), (0, mask.shape[1])))
    settled(widget)
    widget.controls.learning.learn.click()
    while len(widget.controls.learning.plot.values["dice"]) < 3 and widget.rounds.running:
        wait(0.5)
    save(viewer, options.output / "correct_learn.png")
    while widget.rounds.running:
        wait(0.1)
    settled(widget)
    print(widget.controls.learning.result.text())
    labels.visible = viewer.layers["brightfield - changes"].visible = False
    press(widget, widget.controls.versions.shown["both"])
    scroll = widget.findChild(QScrollArea)
    scroll.verticalScrollBar().setValue(scroll.verticalScrollBar().maximum())
    save(viewer, options.output / "correct_compare.png")
    viewer.close()


def classify(options) -> None:
    """Show the widget Classify: objects in the colours of their classes, the table, and one that is being corrected."""
    if options.classify is None:
        return
    model, image, labels = options.classify
    viewer = napari.Viewer(show=False, title="napari")
    viewer.show()
    viewer.open(image)
    objects = viewer.open(labels, layer_type="labels", name="cells")[0]
    _, widget = viewer.window.add_plugin_dock_widget("napari-medt", "Classify")
    widget.open_model(model)
    widget.controls.zoom.setValue(options.zoom)
    viewer.window.resize(*TALL)
    wait(0.5)
    viewer.fit_to_view()
    widget.start()
    while widget.run.running:
        wait(0.1)
    print(widget.controls.run_bar.status.text())
    objects.opacity = 0.45
    widget.giving.go_on()
    viewer.fit_to_view()
    save(viewer, options.output / "classify_objects.png")
    widget.controls.correct.on.click()
    widget.giving.give(widget.current().table.found(widget.giving.chosen))
    widget.giving.go_on()
    viewer.fit_to_view()
    scroll = widget.findChild(QScrollArea)
    scroll.verticalScrollBar().setValue(scroll.verticalScrollBar().maximum())
    save(viewer, options.output / "classify_correct.png")
    viewer.close()


def press(widget, button) -> None:
    button.click()
    settled(widget)


def settled(widget) -> None:
    wait(0.3)
    while widget.context.work.untold or widget.context.run.running:
        wait(0.1)
    wait(0.5)


def give(widget, pixel) -> None:
    image = widget.controls.images.layer()
    done(widget, lambda: widget.click(tuple(image.data_to_world(pixel))))


def done(widget, action) -> None:
    action()
    wait(0.3)
    while widget.work.untold:
        wait(0.1)
    wait(0.3)


def point(options) -> None:
    """Show the Attention widget: where MedT looks from inside a nucleus, and gates beside their image."""
    viewer, widget = open_viewer("histology", options.medt, "Attention")
    widget.probe.follow.setChecked(True)
    look(widget)
    widget.probe.view.setCurrentIndex(widget.probe.view.findData("global 2.1"))
    pin(widget, viewer.layers["histology"], NUCLEUS)
    save(viewer, options.output / "point_medt.png")
    viewer.close()
    viewer, widget = open_viewer("fluorescence", options.model, "Attention")
    look(widget)
    widget.probe.follow.setChecked(False)
    for row in range(widget.maps.list.count()):
        widget.maps.list.item(row).setCheckState(Qt.CheckState.Checked)
    widget.maps.grid.click()
    wait(3)  # names and colour bars come one by one
    save(viewer, options.output / "point_gates.png")
    viewer.close()


def look(widget) -> None:
    run(widget, done="Ready", running=lambda: not widget.follower.ready)


def pin(widget, image, pixel) -> None:
    answers = []
    widget.follower.answered.connect(lambda: answers.append(None))
    widget.follower.pin(tuple(image.data_to_world(pixel)))
    while not answers:
        wait(0.05)


def open_viewer(sample: str, model: Path, name: str = "Segment"):
    viewer = napari.Viewer(show=False, title="napari")
    viewer.show()
    viewer.open_sample("napari-medt", sample)
    _, widget = viewer.window.add_plugin_dock_widget("napari-medt", name)
    widget.open_model(model)
    viewer.layers.selection.active = viewer.layers[sample]
    viewer.window.resize(*SIZE)
    wait(0.5)
    viewer.fit_to_view()
    return viewer, widget


def run(widget, done: str = "Done", running=None) -> None:
    widget.start()
    while widget.run.running or widget.run_bar.status.text().startswith("Showing") or (running and running()):
        wait(0.1)
    if not widget.run_bar.status.text().startswith(done):
        raise SystemExit(widget.run_bar.status.text())
    print(widget.run_bar.status.text())


def show_attention(viewer, name: str) -> None:
    for layer in viewer.layers:
        if is_own_layer(layer):
            layer.visible = notes_of(layer).map == name
            if layer.visible:
                viewer.layers.selection.active = layer


def save(viewer, path: Path) -> None:
    wait(0.5)
    viewer.screenshot(path, canvas_only=False, flash=False)
    print(path)


def wait(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


if __name__ == "__main__":
    main()
