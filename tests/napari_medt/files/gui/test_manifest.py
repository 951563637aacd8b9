"""What the manifest offers works: sample images, commands."""

from __future__ import annotations

import numpy as np
import pytest
from npe2 import PluginManager


@pytest.mark.parametrize(
    ("sample", "rgb"),
    [
        pytest.param("fluorescence", False, id="fluorescence"),
        pytest.param("histology", True, id="histology"),
        pytest.param("brightfield", False, id="bright field"),
    ],
)
def test_a_sample_opens_with_its_ground_truth_over_it(make_napari_viewer, plugin_registered, sample, rgb):
    viewer = make_napari_viewer()
    image, truth = viewer.open_sample("napari-medt", sample)
    assert image.rgb is rgb
    assert truth.data.shape == image.data.shape[:2]
    assert len(np.unique(truth.data)) > 10
    assert image.axis_labels == truth.axis_labels == ("y", "x")
    np.testing.assert_allclose(truth.data_to_world((3, 4)), image.data_to_world((3, 4)))


def test_the_sample_ct_opens_with_its_organs_over_it_in_mm(make_napari_viewer, plugin_registered):
    viewer = make_napari_viewer()
    image, organs = viewer.open_sample("napari-medt", "abdomen_ct")
    assert image.data.shape == organs.data.shape == (12, 138, 220)
    assert {str(unit) for unit in (*image.units, *organs.units)} == {"millimeter"}
    np.testing.assert_allclose(organs.data_to_world((3, 4, 5)), image.data_to_world((3, 4, 5)))
    assert list(organs.features["name"]) == ["liver", "spleen", "stomach", "aorta"]


def test_every_command_can_be_imported_and_has_a_title_of_its_own(plugin_registered):
    commands = PluginManager.instance().get_manifest("napari-medt").contributions.commands
    assert len({command.title for command in commands}) == len(commands)
    for command in commands:
        assert callable(PluginManager.instance().commands.get(command.id))
