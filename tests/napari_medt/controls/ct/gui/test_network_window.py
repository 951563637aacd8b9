"""What a network sees of a CT is said where its model file names a window, and the image can be shown like that."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_medt.controls.ct.network_window import NetworkWindow
from napari_medt.controls.layer_combo import ImageLayerCombo
from napari_medt.controls.model_combo import ModelCombo
from napari_medt.viewer.reading import choose_grey
from src_models.images.grey.grey_range import GreyRange


@pytest.fixture
def opened(qtbot, ct_model_path):
    """A viewer with a scan in the window of lung, a list of models with one that sees -150 to 250 HU, and the line."""
    viewer = ViewerModel()
    scan = viewer.add_image(np.linspace(-1000, 2000, 64).reshape(8, 8), contrast_limits=(-1350, 150))
    images, models = ImageLayerCombo(viewer), ModelCombo("nuclei")
    window = NetworkWindow(images, models)
    for widget in (images, models, window):
        qtbot.addWidget(widget)
    yield scan, models, window
    window.leave()
    images.disconnect_viewer()


def test_a_model_without_a_window_says_nothing(opened, ct_model_path):
    _, models, window = opened
    assert window.isHidden()
    models.open_file(ct_model_path)
    assert not window.isHidden()


def test_what_the_network_sees_is_said_and_shown_on_request(opened, ct_model_path):
    scan, models, window = opened
    models.open_file(ct_model_path)
    assert window.says.text() == "This network sees -150 to 250 HU, whatever is shown."
    window.show_it.click()
    assert tuple(scan.contrast_limits) == (-150, 250)
    assert window.says.text() == "This network sees -150 to 250 HU, as shown."
    assert window.show_it.isHidden()
    scan.contrast_limits = (0, 80)
    assert window.says.text() == "This network sees -150 to 250 HU, whatever is shown."
    assert not window.show_it.isHidden()


def test_grey_values_that_a_person_chose_are_said_to_count(opened, ct_model_path):
    scan, models, window = opened
    models.open_file(ct_model_path)
    choose_grey(scan, GreyRange(0, 80))
    assert window.says.text() == "This network was made for -150 to 250 HU; you chose other grey values for it."
    assert window.show_it.isHidden()
    choose_grey(scan, None)
    assert window.says.text() == "This network sees -150 to 250 HU, whatever is shown."


def test_a_line_that_was_left_listens_no_more(opened, ct_model_path):
    scan, models, window = opened
    models.open_file(ct_model_path)
    window.leave()
    scan.contrast_limits = (-150, 250)
    assert window.says.text() == "This network sees -150 to 250 HU, whatever is shown."
