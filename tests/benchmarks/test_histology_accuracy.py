"""The protocol of the benchmark on glands and nuclei: what is set aside, what counts, and what each repair repairs."""

import numpy as np
import pytest
import tifffile
import torch

from benchmarks.histology_accuracy import REPAIRS, prepared, scores
from src_models.models.architectures import create
from src_models.models.checkpoint import Model
from src_models.models.header import RGB, ModelHeader
from src_models.nets.axial.attention import AxialAttention


@pytest.fixture
def glands(tmp_path):
    """Ten training and three test images, the left 40 % of each a gland; the last test image has none."""
    root = tmp_path / "sets" / "glas_half"
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    rows = ["file,split"]
    for number in range(13):
        mask = np.zeros((200, 300), np.uint16)
        mask[:, : 120 if number < 12 else 0] = 7
        image = np.random.default_rng(number).integers(0, 255, (200, 300, 3), np.uint8)
        tifffile.imwrite(root / "images" / f"{number:02}.tif", image, photometric="rgb")
        tifffile.imwrite(root / "masks" / f"{number:02}.tif", mask)
        rows.append(f"{number:02}.tif,{'train' if number < 10 else 'testA'}")
    (root / "manifest.csv").write_text("\n".join(rows) + "\n")
    return prepared(root.parent, tmp_path / "out", "glas")


def always(kind):
    """A model that says background (0) or gland (1) everywhere."""
    config = {"in_channels": 3, "classes": 2, "widths": (4, 4), "deep_supervision": False}
    network = create("unet", **config).eval()
    for parameter in network.heads[0].parameters():
        parameter.data.zero_()
    network.heads[0].bias.data[kind] = 5.0
    header = ModelHeader(
        name="always",
        purpose="Tests",
        architecture="unet",
        config=config,
        classes=("background", "gland"),
        channels=RGB,
        tile=(128, 128),
        overlap=(16, 16),
    )
    return Model(network, header)


def test_a_fifth_of_the_training_images_is_set_aside_and_test_images_stay(glands):
    names = {split: [sample.name for sample in glands.split(split)] for split in ("train", "val", "test")}
    assert names["val"] == ["04.tif", "09.tif"]
    assert names["test"] == ["10.tif", "11.tif", "12.tif"]
    assert len(names["train"]) == 8


def test_without_test_images_another_fifth_takes_their_place(glands, tmp_path):
    root = tmp_path / "sets"
    (root / "glas_half").rename(root / "monuseg_half")
    manifest = root / "monuseg_half" / "manifest.csv"
    manifest.write_text("\n".join(row for row in manifest.read_text().splitlines() if "testA" not in row) + "\n")
    data = prepared(root, tmp_path / "other", "monuseg")
    names = {split: [sample.name for sample in data.split(split)] for split in ("train", "val", "test")}
    assert names["val"] == ["04.tif", "09.tif"]
    assert names["test"] == ["03.tif", "08.tif"]
    assert len(names["train"]) == 6


def test_images_become_128_px_with_masks_of_the_same_share(glands):
    sample = glands.split("train")[0]
    assert tifffile.imread(sample.image).shape == (128, 128, 3)
    mask = tifffile.imread(sample.mask)
    assert mask.shape == (128, 128)
    assert mask.mean() == pytest.approx(0.4, abs=0.01)


def test_images_of_their_own_scale_are_segmented_in_tiles(glands, tmp_path):
    data = prepared(tmp_path / "sets", tmp_path / "own", "glas", size=None)
    assert tifffile.imread(data.split("test")[0].image).shape == (200, 300, 3)
    found = scores(always(1), data)
    assert found == {"f1": pytest.approx(100 * 2 * (2 * 0.4 / 1.4) / 3), "iou": pytest.approx(100 * 2 * 0.4 / 3)}


def test_an_image_without_a_true_positive_scores_0(glands):
    assert scores(always(0), glands) == {"f1": 0.0, "iou": 0.0, "f1_own": 0.0}
    share = tifffile.imread(glands.split("test")[0].mask).mean()
    found = scores(always(1), glands)  # right in two images of three
    assert found["iou"] == pytest.approx(100 * 2 / 3 * share)
    assert found["f1"] == found["f1_own"] == pytest.approx(100 * 2 / 3 * 2 * share / (1 + share))


@pytest.mark.parametrize("repair", REPAIRS)
def test_a_repair_lets_gates_matter_in_training_or_patches_share_statistics(repair):
    _, compatible, change = REPAIRS[repair]
    outputs = []
    for size in (0.1, 1.0):
        torch.manual_seed(0)
        network = create("medt", image_size=128, compatible=compatible).train()
        change(network)
        for module in network.modules():
            if isinstance(module, AxialAttention) and module.gated:
                module.g_v2.data.fill_(size)
        with torch.no_grad():
            outputs.append(network(torch.rand(2, 3, 128, 128, generator=torch.Generator().manual_seed(1))))
    difference = float((outputs[0] - outputs[1]).abs().max() / outputs[0].abs().max())
    gates_matter, one_batch = repair in ("gates", "ours"), repair in ("patches", "ours")
    assert (difference > 0.02) == gates_matter, difference
    assert network.local_branch.stem[0].norm.num_batches_tracked == (1 if one_batch else 16)
