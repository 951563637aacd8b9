"""A package with weights of a paper's own code becomes the network that we have of that paper."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from zoo_package import plain_unet, write_package

from src_models.errors import ModelFileError
from src_models.models.packages.state_dict import load_known_network

pytest.importorskip("bioimageio.spec")

ZMUV = {"id": "zero_mean_unit_variance"}
GOLDEN = "ljh_attu_net_narrow"
NAMES = ("background", "vessel")


@pytest.fixture
def package(shared, tmp_path):
    """A folder with the weights as PyTorch saves them, and a class that stands in code which must not be run."""
    tensors = load_file(shared / "golden" / f"{GOLDEN}.weights.safetensors")
    code = {"source": "code.py", "callable": "Network", "sha256": "0" * 64}
    weights = {"pytorch_state_dict": {"source": "weights.pth", "pytorch_version": "2.0", "architecture": code}}

    def write(**changes):
        given = {"channels": ("red", "green", "blue"), "names": NAMES, "preprocessing": [ZMUV], **changes}
        network = plain_unet(channels=len(given["channels"]), outputs=len(given["names"]))
        folder = write_package(tmp_path / "a", network, weights=weights, **given)
        torch.save(tensors, folder / "weights.pth")
        (folder / "code.py").write_text("raise SystemExit")
        return folder

    return write


def test_it_gives_the_outputs_of_the_papers_code(package, shared):
    model = load_known_network(package(postprocessing=[{"id": "softmax"}]))
    assert (model.header.architecture, model.header.classes) == ("attention-unet", NAMES)
    assert (model.header.intensity.kind, model.header.channels) == ("zscore", ("red", "green", "blue"))
    with np.load(shared / "golden" / f"{GOLDEN}.io.npz") as stored:
        image, wanted = stored["input"], stored["output"]
    with torch.inference_mode():
        logits = model.network(torch.from_numpy(image)).numpy()
    np.testing.assert_allclose(logits, wanted, atol=1e-4)


@pytest.mark.parametrize(
    "changes",
    [
        {"preprocessing": [{"id": "scale_linear", "kwargs": {"gain": 2}}]},
        {"postprocessing": [{"id": "sigmoid"}]},
        {"names": ("vessel",)},
        {"channels": ("grey",)},
    ],
)
def test_what_only_a_graph_can_hold_is_left_to_it(package, changes):
    assert load_known_network(package(**changes)) is None


def test_weights_that_are_another_file_than_was_described_are_refused(package):
    folder = package()
    text = (folder / "rdf.yaml").read_text()
    (folder / "rdf.yaml").write_text(
        text.replace("source: weights.pth", f"sha256: {'a' * 64}\n    source: weights.pth")
    )
    with pytest.raises(ModelFileError, match=r"weights\.pth in it is damaged"):
        load_known_network(folder)
