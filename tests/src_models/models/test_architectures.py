"""Architectures by name: each can be made, run, saved and loaded."""

import subprocess
import sys

import pytest
import torch

from src_models.attention.recording import record_attention
from src_models.errors import ModelFileError
from src_models.models.architectures import ARCHITECTURES, architectures, attention_names, create
from src_models.models.checkpoint import Model, load, save
from src_models.models.header import ModelHeader
from src_models.nets.axial.taps import MATRIX
from src_models.nets.medt_architectures import AXIAL

CONFIGURATIONS = [
    pytest.param("attention-unet", {}, id="default"),
    pytest.param("attention-unet", {"widths": (4, 6)}, id="one level"),
    pytest.param("attention-unet", {"widths": (2, 3, 4, 5, 6, 7)}, id="deep"),
    pytest.param("attention-unet", {"widths": (4, 6, 8), "gate": "skip", "upsampling": "conv"}, id="skip"),
    pytest.param("attention-unet", {"widths": (4, 6), "gate": "skip", "upsampling": "conv"}, id="skip, one level"),
    pytest.param("attention-unet", {"widths": (4, 6, 8), "gate": "none"}, id="no gates"),
    pytest.param("attention-unet", {"widths": (4, 6, 8), "subgates": 3, "dimensions": 3}, id="subgates in 3D"),
    pytest.param("unet", {"widths": (4, 6, 8)}, id="plain"),
    pytest.param("unet", {}, id="plain default"),
    pytest.param("fcn", {"widths": (4, 6, 8)}, id="fully convolutional"),
]


@pytest.mark.parametrize(("architecture", "config"), CONFIGURATIONS)
def test_the_names_of_attention_maps_are_known_without_the_network(architecture, config):
    network = create(architecture, **config).eval()
    with torch.inference_mode(), record_attention(network) as attention:
        network(torch.zeros(1, 1, *[16] * config.get("dimensions", 2)))
    assert attention_names(architecture, config) == attention.names()


def test_names_are_known_without_torch():
    code = (
        "import sys; from src_models.models.architectures import architectures, attention_names\n"
        "names = attention_names('attention-unet', {'widths': [4, 8, 8, 8]})\n"
        "sys.exit(0 if names == ['gate 2', 'gate 3'] and architectures() and 'torch' not in sys.modules else 1)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("architecture", AXIAL)
def test_maps_of_axial_attention_that_have_one_value_a_pixel_are_known_without_the_network(architecture):
    network = create(architecture, image_size=64).eval()
    with torch.inference_mode(), record_attention(network) as attention:
        network(torch.zeros(1, 3, 64, 64))
    assert attention_names(architecture, {}) == [m.name for m in attention if m.kind != MATRIX]


CLASSIFIERS = [record.name for record in ARCHITECTURES if record.task == "classification"]
SEGMENTING = [name for name in architectures() if name not in CLASSIFIERS]
SMALL = {
    **{name: {"widths": [4, 6, 8]} for name in SEGMENTING},
    **{name: {"image_size": 64} for name in AXIAL},
    "guided-attention": {"width": 4},
}
FLAT = (*AXIAL, "guided-attention")  # for images in 2D alone


@pytest.mark.parametrize(
    ("architecture", "dimensions"),
    [(name, dimensions) for name in SEGMENTING for dimensions in (2, 3) if dimensions == 2 or name not in FLAT],
)
def test_every_network_that_segments_is_made_run_saved_and_loaded(tmp_path, architecture, dimensions):
    torch.manual_seed(0)
    config = {"in_channels": 2, "classes": 3, "dimensions": dimensions, **SMALL[architecture]}
    header = ModelHeader(
        name=architecture,
        purpose="tests",
        architecture=architecture,
        config=config,
        classes=("background", "cell", "edge"),
        channels=("one", "two"),
        dimensions=dimensions,
        tile=(32,) * dimensions,
        overlap=(8,) * dimensions,
    )
    network = create(architecture, **config).eval()
    image = torch.randn(1, 2, *(13, 10, 9)[:dimensions])
    path = save(Model(network, header), tmp_path / "model.safetensors")
    loaded = load(path)
    assert (loaded.header, loaded.network.training) == (header, False)
    with torch.inference_mode():
        logits = network(image)
        assert logits.shape == (1, 3, *image.shape[2:])
        assert torch.equal(loaded.network(image), logits)


@pytest.mark.parametrize("architecture", CLASSIFIERS)
def test_every_network_that_classifies_is_made_run_saved_and_loaded(tmp_path, architecture):
    torch.manual_seed(0)
    config = {"in_channels": 2, "classes": 3}
    header = ModelHeader(
        name=architecture,
        purpose="tests",
        architecture=architecture,
        config=config,
        classes=("round", "long", "none"),
        channels=("one", "two"),
        tile=(40, 40),
        overlap=(0, 0),
        result="class",
    )
    network = create(architecture, **config).eval()
    image = torch.randn(2, 2, 40, 37)
    loaded = load(save(Model(network, header), tmp_path / "model.safetensors"))
    assert (loaded.header, loaded.network.training) == (header, False)
    with torch.inference_mode():
        logits = network(image)
        assert logits.shape == (2, 3)
        assert torch.equal(loaded.network(image), logits)


def test_every_architecture_says_what_it_is():
    assert set(SEGMENTING) == {"attention-unet", "unet", "guided-attention", "fcn", *AXIAL}
    assert set(CLASSIFIERS) >= {"med-former", "swin", "vit"}
    assert all(len(line) > 10 for line in architectures().values())


@pytest.mark.parametrize(
    ("name", "config", "sentence"),
    [
        ("resnet", {}, "no architecture 'resnet'; choose from attention-unet, unet"),
        ("unet", {"depth": 3}, "unet cannot be made with this configuration: .*depth"),
        ("attention-unet", {"widths": [0, 1]}, "attention-unet cannot be made with this configuration: widths"),
        ("medt", {"dimensions": 3}, "medt cannot be made with this configuration: dimensions 3 must be 2"),
        ("logo", {"image_size": 100}, "logo cannot be made .* image_size 100 must be a multiple of 64"),
        ("attention-unet", {"norm": "layer"}, "attention-unet cannot be made .*'layer'"),
    ],
)
def test_what_cannot_be_made_is_refused_with_the_reason(name, config, sentence):
    with pytest.raises(ModelFileError, match=sentence):
        create(name, **config)


def test_the_plain_network_has_no_gates_whatever_its_configuration_says():
    network = create("unet", widths=(4, 6, 8), gate="grid", subgates=1)
    assert not any("gate" in name for name, _ in network.named_parameters())
    assert attention_names("unet", {"widths": (4, 6, 8), "gate": "grid"}) == []
