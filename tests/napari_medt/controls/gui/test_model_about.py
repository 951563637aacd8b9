"""The window that tells what a model is: everything that must be said is there, and can be copied and followed."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from qtpy.QtWidgets import QPushButton

from napari_medt.controls.charts.contrast import contrast
from napari_medt.controls.model_about import ModelAbout
from napari_medt.controls.model_combo import ModelCombo
from src_models.models.citations import citation_lines, citations_of
from src_models.models.header import ModelHeader
from src_models.models.library import shipped_models


@pytest.fixture
def header():
    source = {"name": "mine", "title": "Cells <in> dishes", "authors": "Doe & Roe", "doi": "10.1/2", "licence": "MIT"}
    return ModelHeader(
        name="m",
        purpose="Cells in <dishes>",
        architecture="unet",
        config={},
        classes=("background", "cell"),
        channels=("grey",),
        licence="CC-BY-4.0",
        training={"data_sets": [source]},
    )


def test_purpose_licence_and_every_source_are_told(qtbot, header):
    about = ModelAbout("my model", header)
    qtbot.addWidget(about)
    text = about.text.toPlainText()
    for words in ("my model", "Cells in <dishes>", "CC-BY-4.0", "mine: Doe & Roe: Cells <in> dishes.", "Licence MIT."):
        assert words in text
    assert 'href="https://doi.org/10.1/2"' in about.text.toHtml()


def test_addresses_can_be_read_on_a_dark_window_and_on_a_light_one(qtbot, header):
    about = ModelAbout("my model", header)
    qtbot.addWidget(about)
    about.show()
    for ground in ("#ebe7e6", "#23242b", "#ebe7e6"):
        about.setStyleSheet(f"QWidget {{ background-color: {ground}; }}")
        [colour] = re.findall(r'<a href="[^"]*"><span style="[^"]*color:(#\w{6})', about.text.toHtml())
        assert about.text.palette().base().color().name() == ground
        assert contrast(colour, ground) >= 4.5


def test_a_file_that_does_not_say_what_it_learnt_from_is_said_to_be_so(qtbot, header):
    about = ModelAbout("m", replace(header, training={}))
    qtbot.addWidget(about)
    assert "does not say what it learnt from" in about.text.toPlainText()


def test_the_button_beside_the_list_tells_of_the_chosen_model(qtbot):
    combo = ModelCombo("nuclei-medt")
    qtbot.addWidget(combo)
    [button] = [one for one in combo.findChildren(QPushButton) if one.text() == "About"]
    button.click()
    [about] = combo.findChildren(ModelAbout)
    [entry] = [entry for entry in shipped_models() if entry.name == "nuclei-medt"]
    for line in citation_lines(citations_of(entry.header)):
        assert line in about.text.toPlainText()
    about.close()
    qtbot.waitUntil(lambda: not combo.findChildren(ModelAbout))
