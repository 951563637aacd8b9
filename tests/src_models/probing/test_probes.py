"""Each kind of network is asked by the probe that goes with it."""

import numpy as np
import pytest

from src_models.probing.axial_probe import AxialProbe
from src_models.probing.position_probe import PositionProbe
from src_models.probing.probes import open_probe


@pytest.mark.parametrize(
    ("architecture", "config", "kind"),
    [
        ("medt", {}, AxialProbe),
        ("guided-attention", {}, PositionProbe),
        ("guided-attention", {"attention": "channel"}, type(None)),
        ("guided-attention", {"refinements": 0}, type(None)),
        ("attention-unet", {}, type(None)),
    ],
)
def test_a_network_that_looks_has_a_probe(make_model, architecture, config, kind):
    size = {"guided-attention": {"width": 4}}.get(architecture, {})
    model = make_model(architecture, config={**size, **config} or None)
    assert type(open_probe(np.zeros((64, 64), np.float32), model, device="cpu")) is kind
