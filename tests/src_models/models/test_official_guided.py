"""Checkpoints of the authors' own code of self-guided attention: the same numbers, in prediction and in training."""

import importlib.util
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from src_models.errors import ModelFileError
from src_models.models.architectures import create
from src_models.models.official import from_state_dict
from src_models.models.official_guided import SOURCE, configuration, recognises, renamed
from src_models.nets.guided_architectures import COMPATIBLE

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
CONV = ("weight", "bias")
STAGES = {"resnext.layer1.1": 3, "resnext.layer2": 4, "resnext.layer3": 23, "resnext.layer4": 3}
ROW = {0: CONV, 1: NORM, 2: ("weight",)}  # convolution, norm, PReLU


def their_names():
    """Return the names of all tensors that their network has and uses, as ARCHITECTURES and the paper number them."""
    names = ["resnext.layer0.0.weight", *(f"resnext.layer0.1.{leaf}" for leaf in NORM)]
    for stage, count in STAGES.items():
        for block in range(count):
            for number in (1, 2, 3):
                names += [f"{stage}.{block}.conv{number}.weight"]
                names += [f"{stage}.{block}.bn{number}.{leaf}" for leaf in NORM]
            if block == 0:
                names += [f"{stage}.0.downsample.0.weight", *(f"{stage}.0.downsample.1.{leaf}" for leaf in NORM)]
    for scale in "1234":
        names += [f"down{scale}.{number}.{leaf}" for number in ROW for leaf in ROW[number]]
        names += [f"predict{scale}{end}.{leaf}" for end in ("", "_2") for leaf in CONV]
        for step in "12":
            for kind in ("pam", "cam"):
                branch = f"{kind}_attention_{step}_{scale}.attn"
                names += [f"{branch}.{4 * half + n}.{leaf}" for half in (0, 1) for n in ROW for leaf in ROW[n]]
                names.append(f"{branch}.3.gamma")
                if kind == "pam":
                    names += [f"{branch}.3.{what}_conv.{leaf}" for what in ("query", "key", "value") for leaf in CONV]
            names += [f"conv_sem_{step}_{scale}.{leaf}" for leaf in CONV]
            names += [f"conv8_{'1' if step == '2' else ''}{scale}.{leaf}" for leaf in CONV]
    names += [f"fuse1.fuse_attn.{3 * third + n}.{leaf}" for third in range(3) for n in ROW for leaf in ROW[n]]
    for step in "12":
        for half, inner in (("enc1", "encode"), ("enc2", "encode"), ("dec1", "decode"), ("dec2", "decode")):
            module = f"semanticModule_{step}_1.{half}.{inner}"
            names += [f"{module}.{number}.{leaf}" for number in (0, 3) for leaf in CONV]
            names += [f"{module}.{number}.{leaf}" for number in (1, 4) for leaf in NORM]
            names += [f"{module}.6.{leaf}" for leaf in CONV if half.startswith("dec")]
    return names


@pytest.fixture(scope="module")
def golden(shared):
    """Read a reference run."""

    def read(name):
        with np.load(shared / "golden" / f"{name}.io.npz") as stored:
            return {key: torch.from_numpy(stored[key]) for key in stored.files}

    return read


@pytest.fixture(scope="module")
def full(shared, golden):
    """A checkpoint of theirs: weights that follow from names, statistics as they were stored."""
    spec = importlib.util.spec_from_file_location("seeded", shared / "golden" / "seeded.py")
    seeded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(seeded)
    run = golden("msa_daf_stack_full_seeded")
    with torch.device("meta"):
        places = create("guided-attention", in_channels=1, classes=5, **COMPATIBLE).state_dict()
    tensors = {}
    for name in their_names():
        (ours,) = renamed({name: torch.empty(0)})
        stored = run.get(f"w:{name}")
        tensors[name] = (
            stored if stored is not None else torch.from_numpy(np.array(seeded.seeded_array(name, places[ours].shape)))
        )
    tensors["conv6_1.weight"] = torch.zeros(64, 64, 1, 1)  # nothing uses it
    return tensors


@pytest.fixture(scope="module")
def network(full):
    """Our network with these weights, in double precision."""
    return from_state_dict(full).network.double()


def test_it_finds_what_their_code_finds(network, golden):
    run = golden("msa_daf_stack_full_seeded")
    with torch.inference_mode():
        found = network.eval()(run["input"].double())
    torch.testing.assert_close(found, run["output_f64"], rtol=0, atol=1e-8)


def test_a_training_step_has_their_predictions_and_losses(network, golden):
    """The reference was computed in single precision, in which its nearly one-hot channel attention is rough."""
    run = golden("msa_trainstep_seeded")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with torch.no_grad():
        found = network.train()(run["input"].double(), supervised=True)
    network.load_state_dict(before)
    entropy = sum(F.cross_entropy(logits, run["target"]) for logits in found.predictions)
    assert float(entropy) == pytest.approx(float(run["ce"]), rel=1e-4)
    assert float(found.penalty) == pytest.approx(float(0.25 * run["guided"] + 0.1 * run["rec"]), rel=1e-4)
    assert float(entropy + found.penalty) == pytest.approx(float(run["total"]), rel=1e-4)
    for number, logits in enumerate(found.predictions):
        wanted = run[f"pred{number}"].double()
        torch.testing.assert_close(logits, wanted, rtol=0, atol=0.01 * float(wanted.abs().max()))


def test_what_it_is_is_read_off_the_shapes(full):
    found = from_state_dict(full)
    assert (found.architecture, found.source) == ("guided-attention", SOURCE)
    assert found.config["in_channels"] == 1
    assert found.config["classes"] == 5
    assert (found.intensity.kind, found.intensity.low, found.intensity.high) == ("window", 0, 255)
    assert recognises(full)
    assert not recognises({"resnext.layer0.0.weight": torch.zeros(1)})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda tensors: tensors.pop("conv8_12.bias"), "lacks 1 tensors (refinements.1.2.project.bias, in our names)"),
        (lambda tensors: tensors.update(head=torch.zeros(1)), "the tensor head is of no module of DAF_stack"),
        (lambda tensors: tensors.update({"down1.0.bias": torch.zeros(3)}), "has the shape (3,) where (64,) is needed"),
    ],
)
def test_another_checkpoint_is_refused(full, change, sentence):
    tensors = dict(full)
    change(tensors)
    with pytest.raises(ModelFileError, match=re.escape(sentence)):
        from_state_dict(tensors)


def test_shapes_of_another_network_are_refused():
    tensors = {"resnext.layer0.0.weight": torch.zeros(3), "predict1_2.weight": torch.zeros(2, 2, 1, 1)}
    with pytest.raises(ModelFileError, match="which are not of DAF_stack"):
        configuration(tensors)
