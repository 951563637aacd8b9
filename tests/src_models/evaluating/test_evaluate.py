"""Measuring real, if tiny, models on data sets on disk: from Python and from the command line."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
import torch
from numpy.testing import assert_allclose

from napari_medt.cli import main
from src_models.errors import DataSetError, ImageError
from src_models.evaluating.evaluate import evaluate
from src_models.files.dataset import DataSet
from src_models.files.samples import read_sample
from src_models.labels.instances import INSTANCE_CLASSES, targets_from_labels
from src_models.labels.metrics import average_precision
from src_models.models.architectures import create
from src_models.models.checkpoint import Model, load, save
from src_models.models.header import Intensity, ModelHeader
from src_models.prediction.segment import segment

SIZE = 64


def cells(seed: int, *, contrast: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """An image of bright discs, some touching, and their labels with gaps in the ids."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE]
    labels = np.zeros((SIZE, SIZE), np.uint16)
    for number in range(8):
        top, left, radius = *rng.uniform(6, SIZE - 6, 2), rng.uniform(5, 8)
        disc = (y - top) ** 2 + (x - left) ** 2 < radius**2
        labels[disc & (labels == 0)] = 10 * number + 3
    edges = targets_from_labels(labels)
    image = 20 + contrast * np.array([0, 180, 120])[edges] + rng.normal(0, 5, labels.shape)
    return image.clip(0, 255).astype(np.uint8), labels


def trained(result: str, path: Path) -> Path:
    """Train for seconds what a person trains for hours: enough to find bright discs."""
    torch.manual_seed(0)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    classes = INSTANCE_CLASSES if result == "instances" else ("background", "cell")
    config = {"in_channels": 1, "classes": len(classes), "widths": [8, 16]}
    network = create("unet", **config).train()
    optimiser = torch.optim.Adam(network.parameters(), 0.01)
    for step in range(50):
        pairs = [cells(1000 + 4 * step + index) for index in range(4)]
        batch = torch.stack([torch.from_numpy(image / np.float32(255))[None] for image, _ in pairs])
        targets = [targets_from_labels(labels) if result == "instances" else labels > 0 for _, labels in pairs]
        loss = torch.nn.functional.cross_entropy(
            network(batch), torch.from_numpy(np.stack(targets)).long(), torch.tensor([1.0, 1, 3][: len(classes)])
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    torch.set_num_threads(threads)
    header = ModelHeader(
        name=f"toy-{result}",
        purpose="bright discs",
        architecture="unet",
        config=config,
        classes=classes,
        channels=("grey",),
        intensity=Intensity(kind="window", low=0, high=255),
        tile=(64, 64),
        overlap=(16, 16),
        result=result,
    )
    return save(Model(network.eval(), header), path)


@pytest.fixture(scope="session")
def instance_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained("instances", tmp_path_factory.mktemp("models") / "instances.safetensors")


@pytest.fixture(scope="session")
def semantic_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained("semantic", tmp_path_factory.mktemp("models") / "semantic.safetensors")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four images of which the second is nearly too dim to see; two of them are the split "test"."""
    root = tmp_path / "cells"
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for index, name in enumerate(("a.png", "b.png", "c.png", "d.png")):
        image, labels = cells(index, contrast=0.05 if name == "b.png" else 1)
        iio.imwrite(root / "images" / name, image)
        iio.imwrite(root / "masks" / name, labels)
    (root / "manifest.csv").write_text("file,split\na.png,test\nb.png,test\nc.png,val\nd.png,train\n")
    return root


def test_object_scores_are_those_of_the_segmented_images(data: Path, instance_model: Path) -> None:
    evaluation = evaluate(data, instance_model)
    model = load(instance_model)
    assert evaluation.split == "test"
    assert [image.sample.name for image in evaluation.images] == ["a.png", "b.png"]
    for score in evaluation.images:
        image, truth = read_sample(score.sample)
        labels = segment(image, model, axes="YX").labels
        assert_allclose(score.scores.ap, average_precision(truth, labels))
        found, true = np.asarray(labels) > 0, truth > 0
        assert score.scores.dice[1] == pytest.approx(2 * (found & true).sum() / (found.sum() + true.sum()))
        assert score.object_counts == (np.unique(truth).size - 1, np.unique(labels[labels > 0]).size)
    clear, dim = (image.scores for image in evaluation.images)
    assert clear.ap50 > 0.8
    assert clear.dice[1] > 0.9
    assert dim.ap50 < 0.2
    assert evaluation.mean.ap50 == pytest.approx((clear.ap50 + dim.ap50) / 2)
    assert evaluation.sha256 == model.sha256


@pytest.mark.parametrize("result", ["instances", "semantic"])
def test_what_does_not_count_is_not_scored(data: Path, result: str, request: pytest.FixtureRequest) -> None:
    """The right of the image was not looked at, and its mask is wrong there: objects are missing or invented."""
    model = load(request.getfixturevalue("instance_model" if result == "instances" else "semantic_model"))
    image, truth = read_sample(DataSet.open(data).split("test")[0])
    counts = np.zeros(truth.shape, np.uint8)
    counts[:, :40] = 1
    (data / "marked").mkdir()
    iio.imwrite(data / "marked" / "a.png", counts)
    wrong = np.where(counts, truth, 0).astype(np.uint16)
    wrong[50:, 50:] = 900
    iio.imwrite(data / "masks" / "a.png", wrong)
    score = evaluate(data, model).images[0]
    labels, left = np.asarray(segment(image, model, axes="YX").labels), counts > 0
    if result == "semantic":
        found, true = labels[left] > 0, truth[left] > 0
        assert score.scores.dice[1] == pytest.approx(2 * (found & true).sum() / (found.sum() + true.sum()))
        return
    kept = [number for number in np.unique(labels)[1:] if left[labels == number].mean() >= 0.5]
    assert 0 < len(kept) < len(np.unique(labels)) - 1
    inside = np.where(left & np.isin(labels, kept), labels, 0)
    assert_allclose(score.scores.ap, average_precision(np.where(left, truth, 0), inside))
    assert score.scores.ap50 > 0.7


def test_masks_without_numbers_are_scored_by_their_parts(data: Path, instance_model: Path, caplog) -> None:
    """Two discs that do not touch, as 1 and 2 and as 255: the scores are the same, and it is said."""
    image, _ = cells(0)
    truth = np.zeros((SIZE, SIZE), np.uint16)
    truth[8:20, 8:20], truth[40:52, 30:42] = 1, 2
    found = {}
    for name, mask in (("numbered", truth), ("binary", (truth > 0) * 255)):
        caplog.clear()
        for letter in "ab":
            iio.imwrite(data / "images" / f"{letter}.png", image)
            iio.imwrite(data / "masks" / f"{letter}.png", mask.astype(np.uint8))
        found[name] = evaluate(data, instance_model)
        assert ("no mask tells objects apart" in caplog.text) == (name == "binary")
    counts = {name: [image.object_counts for image in evaluation.images] for name, evaluation in found.items()}
    assert counts["numbered"] == counts["binary"]
    assert counts["binary"][0][0] == 2
    assert found["binary"].to_dict()["objects_are_connected_parts"]


def test_a_stack_is_scored_plane_by_plane(data: Path, instance_model: Path) -> None:
    """A model of planes cannot know that an object goes on in the next plane, and truth may say so."""
    planes = [read_sample(sample) for sample in DataSet.open(data).samples]
    for index, folder in enumerate(("images", "masks")):
        tifffile.imwrite(data / folder / "stack.tif", np.stack([pair[index] for pair in planes]).astype(np.uint8))
    single = evaluate(data, instance_model, split="test").pooled, evaluate(data, instance_model, split="val").pooled
    (data / "manifest.csv").write_text("file\na.png\nb.png\nc.png\nd.png\n")
    flat = evaluate(data, instance_model).pooled
    (data / "manifest.csv").write_text("file\nstack.tif\n")
    stack = evaluate(data, instance_model).pooled
    assert_allclose(stack.ap, flat.ap)
    assert_allclose(stack.dice, flat.dice)
    assert single[0].ap50 < flat.ap50 < single[1].ap50


def test_a_class_that_was_not_drawn_has_no_score(data: Path, semantic_model: Path) -> None:
    """Where nobody drew cells, those that were found are neither right nor wrong."""
    (data / "manifest.csv").write_text("file,split,organs\na.png,val,0\nc.png,val,1\n")
    known = evaluate(data, semantic_model, split="val")
    iio.imwrite(data / "masks" / "a.png", np.zeros((SIZE, SIZE), np.uint8))
    unknown, drawn = evaluate(DataSet.open(data, drawn="organs"), semantic_model, split="val").images
    assert np.isnan(unknown.scores.dice[1])
    assert unknown.scores.dice[0] == 1
    assert drawn.scores.dice[1] == known.images[1].scores.dice[1] > 0.8


def test_two_classes_count_whatever_is_above_zero(data: Path, semantic_model: Path) -> None:
    with_ids = evaluate(data, semantic_model, split="val")
    for path in (data / "masks").iterdir():
        iio.imwrite(path, np.where(iio.imread(path) > 0, 255, 0).astype(np.uint8))
    with_255 = evaluate(data, semantic_model, split="val")
    assert with_ids.classes == ("background", "cell")
    assert with_ids.mean.dice[1] > 0.9
    assert_allclose(with_ids.mean.dice, with_255.mean.dice)
    assert with_ids.images[0].objects is None


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_wide_masks_with_gaps_in_their_ids_score_the_same(data: Path, instance_model: Path, dtype: type) -> None:
    expected = evaluate(data, instance_model, split="val").mean
    mask = iio.imread(data / "masks" / "c.png").astype(dtype)
    top = np.iinfo(dtype).max // 100
    for name in ("images", "masks"):
        (data / name / "c.png").rename(data / name / "c.tif")
    tifffile.imwrite(data / "masks" / "c.tif", mask * top)
    tifffile.imwrite(data / "images" / "c.tif", iio.imread(data / "images" / "c.tif", extension=".png"))
    (data / "manifest.csv").write_text("file,split\nc.tif,val\n")
    assert_allclose(evaluate(data, instance_model, split="val").mean.ap, expected.ap)


@pytest.mark.parametrize(
    ("manifest", "split", "names"),
    [
        pytest.param("file,split\na.png,test\nb.png,val\n", "test", ["a.png"], id="test"),
        pytest.param("file,split\na.png,train\nb.png,val\n", "val", ["b.png"], id="else val"),
        pytest.param(None, None, ["a.png", "b.png", "c.png", "d.png"], id="else all"),
    ],
)
def test_what_is_measured_when_nobody_says(
    data: Path, semantic_model: Path, manifest: str | None, split: str | None, names: list[str]
) -> None:
    (data / "manifest.csv").unlink()
    if manifest:
        (data / "manifest.csv").write_text(manifest)
    evaluation = evaluate(data, semantic_model)
    assert evaluation.split == split
    assert [image.sample.name for image in evaluation.images] == names


def test_training_images_are_not_measured_unasked(data: Path, semantic_model: Path) -> None:
    (data / "manifest.csv").write_text("file,split\na.png,train\n")
    with pytest.raises(DataSetError, match="--split"):
        evaluate(data, semantic_model)
    assert len(evaluate(data, semantic_model, split="train").images) == 1


def test_progress_counts_images(data: Path, semantic_model: Path) -> None:
    told: list[tuple[int, int, str]] = []
    evaluate(data, semantic_model, on_progress=lambda *update: told.append(update))
    assert told == [(0, 2, "a.png"), (1, 2, "b.png"), (2, 2, "")]


def test_a_class_the_model_has_not_is_refused(data: Path, tmp_path: Path, instance_model: Path) -> None:
    model = load(instance_model)
    fields = {name: getattr(model.header, name) for name in ModelHeader.__slots__}
    header = ModelHeader(**{**fields, "result": "semantic", "classes": ("background", "cell", "vessel")})
    with pytest.raises(DataSetError, match=r"c\.png: the mask holds class 73, and the model 'toy-instances' knows"):
        evaluate(data, Model(model.network, header), split="val")


def test_an_image_that_does_not_fit_is_named(data: Path, semantic_model: Path) -> None:
    image = np.full(iio.imread(data / "images" / "c.png").shape, np.nan, np.float32)
    for name in ("images", "masks"):
        (data / name / "c.png").rename(data / name / "c.tif")
    tifffile.imwrite(data / "masks" / "c.tif", iio.imread(data / "masks" / "c.tif", extension=".png"))
    tifffile.imwrite(data / "images" / "c.tif", image)
    (data / "manifest.csv").write_text("file,split\nc.tif,val\n")
    with pytest.raises(ImageError, match=r"images/c\.tif"):
        evaluate(data, semantic_model)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Run the command line in this process and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["napari-medt", "evaluate", *map(str, arguments)])
    monkeypatch.setenv("COLUMNS", "140")
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_the_command_line_prints_writes_and_draws(
    data: Path,
    instance_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scores, sheet = tmp_path / "out" / "scores.json", tmp_path / "out" / "sheet.png"
    options = ("--model", instance_model, "--json", scores, "--sheet", sheet)
    assert run(monkeypatch, data, *options) == 0
    printed = capsys.readouterr().out
    content = json.loads(scores.read_text())
    overall = content["overall"]["mean_over_images"]
    for value in (overall["ap50"], overall["ap_mean"], overall["dice"]["object"], overall["iou"]["object"]):
        assert f"{value:.3f}" in printed
    assert printed.index("b.png") < printed.index("a.png")
    assert overall["ap50"] == pytest.approx(evaluate(data, instance_model).mean.ap50)
    assert iio.imread(sheet).shape[2] == 3
    assert sorted(path.name for path in scores.parent.iterdir()) == ["scores.json", "sheet.png"]

    assert run(monkeypatch, data, *options) == 1
    assert "exists already" in capsys.readouterr().err
    assert run(monkeypatch, data, *options, "--overwrite") == 0


def test_the_table_of_a_semantic_model_lists_its_classes(
    data: Path, semantic_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, data, "--model", semantic_model, "--split", "val") == 0
    printed = capsys.readouterr().out
    assert "cell" in printed
    assert "AP" not in printed


def unequal(root: Path) -> None:
    iio.imwrite(root / "masks" / "a.png", np.zeros((SIZE, SIZE - 1), np.uint8))


def unmatched(root: Path) -> None:
    (root / "manifest.csv").unlink()
    (root / "masks" / "a.png").rename(root / "masks" / "other.png")


def emptied(root: Path) -> None:
    (root / "manifest.csv").unlink()
    for path in root.glob("*/*.png"):
        path.unlink()


def truncated(root: Path) -> None:
    path = root / "images" / "a.png"
    path.write_bytes(path.read_bytes()[:200])


def text(root: Path) -> None:
    (root / "masks" / "a.png").write_text("not an image")


@pytest.mark.parametrize(
    ("break_it", "options", "message"),
    [
        pytest.param(unequal, [], r"images/a.png .*64 x 64.*masks/a.png .*64 x 63", id="unequal shapes"),
        pytest.param(unmatched, [], r"masks/: a.png; .* images/: other.png;", id="unmatched names"),
        pytest.param(emptied, [], "no image in images/", id="empty"),
        pytest.param(lambda root: (root / "images").rename(root / "x"), [], "no folder images/", id="no images"),
        pytest.param(lambda root: (root / "masks").rename(root / "x"), [], "no folder masks/", id="no masks"),
        pytest.param(truncated, [], "images/a.png", id="truncated image"),
        pytest.param(text, [], "masks/a.png", id="text for a mask"),
        pytest.param(lambda _: None, ["--split", "holdout"], "there are: test, train, val", id="no such split"),
        pytest.param(lambda _: None, ["--model", "no-such-model"], "no-such-model", id="no such model"),
        pytest.param(lambda _: None, ["--sheet", "sheet.jpg"], "ends in .png", id="sheet is no PNG"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_1(
    break_it,
    options: list[str],
    message: str,
    data: Path,
    semantic_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    break_it(data)
    scores = data.parent / "scores.json"
    assert run(monkeypatch, data, "--model", semantic_model, "--json", scores, *options) == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: ")
    assert re.search(message, " ".join(error.split()))
    assert "Traceback" not in error
    assert not scores.exists()
