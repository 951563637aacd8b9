"""The Segment widget with MedT: which of its many maps a person gets, and that they are the network's."""

import numpy as np
import pytest

from napari_medt.viewer.layer_notes import METADATA_KEY, is_own_layer
from src_models.models.architectures import attention_names
from src_models.models.checkpoint import load
from src_models.prediction.segment import segment

USUAL = ["global 2.1 positions in output", "global 2.1 received"]


@pytest.fixture
def segmented(open_widget, run_to_end, medt_path, noise):
    """Return a function that segments noise with some maps, and gives the layers of maps by their names."""
    viewer, widget = open_widget()
    widget.open_model(medt_path)
    viewer.add_image(noise, name="cells")

    def run(names=None):
        if names is not None:
            widget.attention.tick(names)
        run_to_end(widget)
        own = [
            layer.metadata[METADATA_KEY]["layer"] | {"layer": layer} for layer in viewer.layers if is_own_layer(layer)
        ]
        return {found["map"]: found["layer"] for found in own if found["role"] == "attention"}

    run.widget = widget
    return run


def test_every_map_is_offered_with_its_meaning_and_few_are_ticked(segmented):
    attention = segmented.widget.attention
    assert attention.count() == len(attention_names("medt", {})) == 3 * 3 + 8
    assert sorted(attention.names()) == USUAL
    tips = [attention.item(row).toolTip() for row in range(attention.count())]
    meanings = {tip.splitlines()[0] for tip in tips}
    assert len(meanings) == 3
    assert all("In the papers and in files: " in tip for tip in tips)
    assert any("1 is the average" in meaning for meaning in meanings)
    assert sorted(segmented()) == USUAL


def test_the_layers_are_the_maps_of_the_blocks_that_were_ticked(segmented, medt_path, noise):
    wanted = {"local 1.1 received", "global 1.1 positions in similarity", "local 4.1 received"}
    layers = segmented(tuple(wanted))
    assert layers.keys() == wanted
    for placed in segment(noise, load(medt_path), attention=sorted(wanted)).attention:
        layer = layers[placed.name]
        np.testing.assert_allclose(layer.data, placed.data, atol=1e-5)
        low, high = np.percentile(placed.data, (1, 99))
        assert layer.contrast_limits[0] <= low < high <= layer.contrast_limits[1]
