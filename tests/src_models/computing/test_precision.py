"""What a run finds in float32 and in bfloat16, forced here, whatever the processor is good at."""

import numpy as np
import pytest
import torch

from src_models.attention.recording import record_attention
from src_models.auditing import auditor
from src_models.auditing.auditor import audit
from src_models.auditing.measures import influence
from src_models.clicking.answering.network import ClickNetwork
from src_models.clicking.session import ClickSession
from src_models.computing import execution
from src_models.computing.execution import choose_execution, prepare
from src_models.models.checkpoint import load
from src_models.prediction.segment import segment

# Eight bits of a number's digits, through some ten layers: what probabilities and gates, from 0 to 1, may differ by.
NEAR = {torch.float32: 1e-3, torch.bfloat16: 0.03}


def picture(*shape):
    return np.random.default_rng(0).random(shape, np.float32)


def test_objects_are_found_in_either(either_precision, tiny_model_path, discs):
    found = segment(discs, load(tiny_model_path), diameter=20, device="cpu")
    assert found.provenance["settings"]["precision"] == str(either_precision).removeprefix("torch.")
    truth = discs > 100
    assert len(np.unique(found.labels)) == 1 + 2
    assert ((found.labels > 0) & truth).sum() / ((found.labels > 0) | truth).sum() > 0.85
    assert found.labels[20, 20] != found.labels[45, 60]


@pytest.mark.parametrize("name", ["attention-unet", "gated-axial-unet"])
def test_maps_are_those_of_single_precision(make_model, either_precision, name):
    """Of a whole image in one tile, whose maps the network itself tells in single precision."""
    made, image = make_model(name), picture(64, 64)
    found = segment(image, made, attention=True, device="cpu")
    low, high = np.percentile(image, (made.header.intensity.low, made.header.intensity.high))
    batch = torch.from_numpy(((np.clip(image, low, high) - low) / (high - low)).astype(np.float32))[None, None]
    with torch.inference_mode(), record_attention(made.network) as record:
        wanted = torch.softmax(made.network(batch), 1)[0].numpy()
    assert np.abs(found.probabilities - wanted).max() < NEAR[either_precision]
    maps = {placed.name: placed for placed in found.attention}
    assert maps
    for name_of_map, placed in maps.items():
        tensor = record[name_of_map].tensor[0, 0].numpy()
        assert np.abs(placed.data - tensor).max() < NEAR[either_precision] * max(1, np.abs(tensor).max())


def test_rows_of_recorded_attention_sum_to_one(make_model, either_precision):
    """Whatever the network ran in, attention is told in single precision: a sum of 64 halves would be off by 1 %."""

    chosen = choose_execution("cpu")
    network = prepare(make_model("medt").network, chosen)
    with record_attention(network) as record:
        chosen(network, torch.rand(1, 1, 64, 64))
    for axis in ("height", "width"):
        matrix = record[f"global 1.1 {axis}"].tensor
        assert matrix.dtype == torch.float32
        assert (matrix.sum(-1) - 1).abs().max() < 1e-5


@pytest.mark.usefixtures("either_precision")
def test_a_click_finds_its_object_in_either(bright_model):
    rows, columns = np.mgrid[:120, :160]
    disc = (rows - 60) ** 2 + (columns - 70) ** 2 <= 12**2
    session = ClickSession(disc.astype(np.float32), ClickNetwork(bright_model, device="cpu"))
    session.click(58, 72)
    assert (session.mask & disc).sum() / (session.mask | disc).sum() > 0.93


def test_an_audit_is_the_same_in_either(make_model, either_precision, monkeypatch):
    """It compares small differences, and runs in single precision whatever the device's is."""
    monkeypatch.setattr(auditor, "RANDOM_ORDERS", 2)
    monkeypatch.setattr(auditor, "FRACTIONS", (0.0, 0.2, 1.0))
    monkeypatch.setattr(influence, "POSITIONS", 16)
    made = make_model("gated-axial-unet")
    made.network.head.bias.data.copy_(torch.tensor([-1.0, 1.0]))

    def found():
        return audit(picture(64, 64), made, maps=["block 2.1 received"], device="cpu")

    here = found()
    monkeypatch.setattr(execution, "default_dtype", lambda device: torch.float32)
    assert here == found()
