"""Packages of the BioImage Model Zoo as models: what they give is what PyTorch gives, and what is none is refused."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
import torch
from zoo_package import plain_unet, write_package

from src_models.errors import ModelFileError, UserError
from src_models.exporting.bioimageio_package import export_package
from src_models.exporting.traced import graph_of as graph_to_export
from src_models.files.images import read_image
from src_models.finetuning.parts import parameters_of
from src_models.images.grey.intensity import measure
from src_models.models.architectures import architectures
from src_models.models.checkpoint import file_content, load, save
from src_models.models.header import read_header
from src_models.models.packages.importing import load_package, package_header
from src_models.prediction.segment import segment

pytest.importorskip("bioimageio.spec")
pytest.importorskip("onnxruntime")

ZMUV = {"id": "zero_mean_unit_variance", "kwargs": {"axes": ["channel", "y", "x"]}}
SOFTMAX = {"id": "softmax", "kwargs": {"axis": "channel"}}


@pytest.fixture(scope="module")
def image():
    noise = torch.rand((1, 1, 90, 77), generator=torch.Generator().manual_seed(3))
    return (torch.nn.functional.avg_pool2d(noise, 7, stride=1, padding=3)[0, 0].numpy() * 900 + 100).astype(np.uint16)


def by_hand(network, normalised):
    """What the network itself makes of a normalised image, continued to even sides by its last row and column."""
    height, width = normalised.shape
    padded = np.pad(normalised, ((0, height % 2), (0, width % 2)), mode="edge")
    with torch.inference_mode():
        return network(torch.from_numpy(padded)[None, None]).numpy()[0, :, :height, :width]


def standardised(image):
    values = image.astype(np.float64)
    return ((values - values.mean()) / values.std()).astype(np.float32)


def test_what_was_exported_from_here_gives_equal_labels_when_it_comes_back(repository, tmp_path):
    model, image = load("nuclei"), read_image(repository / "sample_data" / "fluorescence.png").data[40:127, 30:125]
    export_package(model, tmp_path / "nuclei.zip", authors=["A. Person"], licence="MIT")
    found = load(tmp_path / "nuclei.zip")
    for field in ("classes", "instances", "intensity", "tile", "overlap", "diameter_range", "channels"):
        assert getattr(found.header, field) == getattr(model.header, field), field
    ours, theirs = (
        segment(image, each, diameter=14.0) for each in (model, found)
    )  # which are seen larger than they are
    np.testing.assert_array_equal(theirs.labels, ours.labels)
    assert ours.labels.max() > 2


@pytest.mark.parametrize("where", ["cells.zip", "cells"])
def test_a_plain_unet_gives_what_pytorch_gives(tmp_path, image, where):
    network = plain_unet()
    package = write_package(tmp_path / where, network, preprocessing=[ZMUV], postprocessing=[SOFTMAX])
    header = read_header(package)
    assert (header.classes, header.channels, header.result) == (("background", "cell"), ("grey",), "semantic")
    assert (header.name, header.licence, header.intensity.kind) == ("Cells of a test", "MIT", "zscore")
    model = load(package)
    logits = by_hand(network, standardised(image))
    wanted = torch.softmax(torch.from_numpy(logits), dim=0).numpy()
    with torch.inference_mode():
        given = model.network(torch.from_numpy(measure(image, header.intensity)(image))[None, None])
    np.testing.assert_allclose(torch.softmax(given, dim=1)[0].numpy(), wanted, atol=1e-4)
    labels = segment(image, model).labels
    assert 0 < labels.mean() < 1
    sure = np.abs(logits[0] - logits[1]) > 1e-3
    np.testing.assert_array_equal(labels[sure], logits.argmax(axis=0)[sure])


def test_tiles_of_a_network_of_one_size_blend_to_one_image(tmp_path, image):
    """Its output lacks 4 px of each side, which the image lends it from beyond each tile."""
    network = plain_unet(valid=True)
    package = write_package(
        tmp_path / "a.zip", network, preprocessing=[ZMUV], postprocessing=[SOFTMAX], size=64, result=56, dynamic=False,
    )  # fmt: skip
    model = load(package)
    assert model.header.tile == (56, 56)
    network_of_tiles = model.network
    tile = torch.from_numpy(standardised(image))[None, None, 10:66, 8:64]
    with torch.inference_mode():
        wanted = network(torch.nn.functional.pad(tile, [4, 4, 4, 4], mode="replicate"))
        given = network_of_tiles(tile)
    np.testing.assert_allclose(torch.softmax(given, 1), torch.softmax(wanted, 1), atol=1e-5)
    assert segment(image, model).labels.shape == image.shape
    with pytest.raises(UserError, match="at most 56 px"):
        segment(image, model, tile=128)


def test_a_halo_has_no_weight_where_tiles_are_blended(tmp_path):
    sizes = {"min": 80, "step": 16}
    package = write_package(tmp_path / "a.zip", plain_unet(), postprocessing=[SOFTMAX], halo=32, size=sizes)
    header = package_header(package)
    assert header.tile == (512, 512)
    assert min(header.overlap) * 3 / 8 >= 32


def test_fixed_numbers_are_applied_as_described_whatever_the_image(tmp_path, image):
    network = plain_unet()
    steps = [
        {"id": "scale_linear", "kwargs": {"gain": 0.002, "offset": -0.5}},
        {"id": "clip", "kwargs": {"min": -0.2, "max": 0.9}},
        {"id": "fixed_zero_mean_unit_variance", "kwargs": {"mean": 0.1, "std": 0.5}},
    ]
    model = load(write_package(tmp_path / "a.zip", network, preprocessing=steps, postprocessing=[SOFTMAX]))
    wanted = by_hand(network, ((np.clip(image * 0.002 - 0.5, -0.2, 0.9) - 0.1) / 0.5).astype(np.float32))
    labels = segment(image, model).labels
    sure = np.abs(wanted[0] - wanted[1]) > 1e-3
    np.testing.assert_array_equal(labels[sure], wanted.argmax(axis=0)[sure])


def test_foreground_and_boundary_become_objects_where_a_person_says_so(tmp_path, image):
    network = plain_unet(activation=torch.nn.Sigmoid())
    package = write_package(tmp_path / "a.zip", network, preprocessing=[ZMUV], names=("channel0", "channel1"))
    with pytest.raises(ModelFileError, match=r"2 channels are.*--classes NAMES.*foreground,boundary"):
        load(package)
    model = load_package(package, ["foreground", "boundary"])
    assert (model.header.result, model.header.classes) == ("instances", ("background", "interior", "boundary"))
    inside, edge = by_hand(network, standardised(image))
    with torch.inference_mode():
        given = model.network(torch.from_numpy(standardised(image))[None, None])
    wanted = np.stack([1 - inside, inside * (1 - edge), inside * edge])
    np.testing.assert_allclose(torch.softmax(given, dim=1)[0].numpy(), wanted, atol=1e-4)


def test_as_a_model_file_it_is_the_same_model(tmp_path, image):
    package = write_package(tmp_path / "a.zip", plain_unet(), preprocessing=[ZMUV], postprocessing=[SOFTMAX])
    model = load(package)
    again = load(save(model, tmp_path / "a.safetensors"))
    np.testing.assert_array_equal(segment(image, again).labels, segment(image, model).labels)
    assert again.header == model.header
    (tmp_path / "sent.safetensors").write_bytes(file_content(package))
    assert read_header(tmp_path / "sent.safetensors") == model.header, "as workers get it"


def test_it_is_run_and_neither_learns_nor_is_exported_again(tmp_path):
    model = load(write_package(tmp_path / "a.zip", plain_unet(), postprocessing=[SOFTMAX]))
    assert "onnx-graph" not in architectures(), "nobody can train one"
    with pytest.raises(UserError, match="ONNX graph, which is run as it is"):
        parameters_of(model.network, "full")
    with pytest.raises(ModelFileError, match="hand on what it came in"):
        graph_to_export(model)


def test_a_graph_that_was_cut_is_told_before_it_is_run(tmp_path):
    folder = write_package(tmp_path / "a", plain_unet(), postprocessing=[SOFTMAX])
    whole = (folder / "weights.onnx").read_bytes()
    (folder / "weights.onnx").write_bytes(whole[:-100])
    with pytest.raises(ModelFileError, match=r"weights\.onnx in it is damaged"):
        load(folder)


def test_files_outside_a_package_are_not_opened(tmp_path):
    folder = write_package(tmp_path / "a", plain_unet(), postprocessing=[SOFTMAX])
    (folder / "weights.onnx").rename(tmp_path / "weights.onnx")
    text = (folder / "rdf.yaml").read_text()
    (folder / "rdf.yaml").write_text(text.replace("weights.onnx", "../weights.onnx"))
    with pytest.raises(ModelFileError):
        load(folder)
    (folder / "rdf.yaml").write_text(text.replace("source: weights.onnx", "source: https://example.org/weights.onnx"))
    with pytest.raises(ModelFileError, match="download the whole package"):
        load(folder)


def test_weights_that_could_run_code_are_not_opened(tmp_path):
    """A pickle that would write a file where it is read, and TorchScript, which is a program."""

    class Dangerous:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    folder = write_package(
        tmp_path / "a", plain_unet(), postprocessing=[SOFTMAX],
        weights={
            "pytorch_state_dict": {
                "source": "weights.pth", "pytorch_version": "2.0",
                "architecture": {"source": "code.py", "callable": "Network", "sha256": "0" * 64},
            },
            "torchscript": {"source": "weights.pt", "pytorch_version": "2.0"},
        },
    )  # fmt: skip
    torch.save({"a": Dangerous()}, folder / "weights.pth")
    (folder / "code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(ModelFileError, match=r"pytorch_state_dict, torchscript, which could run code.*as ONNX"):
        load(folder)
    from src_models.models.packages.state_dict import load_known_network

    assert load_known_network(folder) is None
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"preprocessing": [{"id": "zero_mean_unit_variance", "kwargs": {"axes": ["x"]}}]}, "parts of an image"),
        ({"names": ("distance",), "postprocessing": [{"id": "sigmoid"}]}, "is no class"),
        ({"names": ("foreground",)}, "does not say that its output is probabilities"),
        ({"result": {"tensor_id": "raw", "axis_id": "y", "offset": 2}}, "other sizes along"),
        ({"name": ""}, "description is not valid"),
    ],
)
def test_what_is_no_such_model_is_refused_with_what_to_do(tmp_path, changes, said):
    changes = {"postprocessing": [SOFTMAX], **changes}
    if changes.get("names") == ("foreground",):
        changes["postprocessing"] = []
    network = plain_unet(outputs=len(changes.get("names", (1, 2))))
    package = write_package(tmp_path / "a.zip", network, **changes)
    with pytest.raises(ModelFileError, match=said) as caught:
        load(package)
    assert str(package) in str(caught.value)


def test_a_zip_that_is_no_package_is_told_so(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(ModelFileError, match=r"a\.zip: this zip is no package"):
        load(tmp_path / "a.zip")
    (tmp_path / "b.zip").write_bytes(b"PK nothing")
    with pytest.raises(ModelFileError, match=r"b\.zip: this is no whole zip"):
        load(tmp_path / "b.zip")
    with pytest.raises(ModelFileError, match=r"c\.zip: there is no such package"):
        load(tmp_path / "c.zip")
