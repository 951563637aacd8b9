"""Glands (GlaS) and nuclei (MoNuSeg) at 128 x 128: every network of the MedT paper, trained alike.

Each network sees the same number of batches of the same images, with one recipe. The model that counts is the one with
the best Dice on a fifth of the training images, which it is not trained on. Where a set comes without test images,
another fifth takes their place. The score is the mean over test images of the F1 and the IoU of their pixels, 0 for an
image without a true positive. (The paper's authors chose the epoch on the test images, and count such an image as 1.)

With ``--authors``, every network is trained by the settings of MedT's authors (Adam, a constant rate, cross-entropy,
left-right flips, 400 epochs: Section 3.2 and their code) in place of ours (AdamW, cosine, Dice and cross-entropy, the
recipe for microscopy).

With ``--own-scale``, images stay as large as they are, networks learn windows of 128 x 128 px of them, and segment them
in tiles.

With ``--repairs``, MedT is trained in the authors' arithmetic and with each of its repairs instead.

Run as ``python -m benchmarks.histology_accuracy FOLDER_WITH_THE_SETS OUT [--steps 400] [--seeds 0 1 2]``. Runs that
were stopped go on where they were; finished ones are kept, and all of OUT is in the tables.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from numpy.typing import NDArray
from skimage.transform import resize
from torch import nn

from benchmarks.machine import report
from src_models.disk.atomic import atomic_path
from src_models.files.dataset import DataSet
from src_models.files.samples import read_sample
from src_models.labels.metrics import pixel_counts
from src_models.models.checkpoint import Model, load
from src_models.nets.axial.attention import AxialAttention
from src_models.nets.medt_architectures import AXIAL
from src_models.prediction.segment import segment
from src_models.training import training
from src_models.training.new_model import new_header
from src_models.training.patches import TrainingImage, load_images
from src_models.training.settings import TrainSettings

SIZE, BATCH, STEPS = 128, 4, 400  # a table of more or fewer steps is named after them
FOLDERS = {"glas": ("glas_half", "testA", "gland"), "monuseg": ("monuseg_half", "test", "nucleus")}
NETWORKS = ("unet", "attention-unet", "axial-unet", "gated-axial-unet", "logo", "medt")
# F1 and IoU, per cent (Valanarasu et al. 2021, tables 1 and 2; images of 128 px for GlaS and 512 px for MoNuSeg).
PAPER = {
    "glas": {
        "unet": (77.78, 65.34),
        "axial-unet": (76.26, 63.03),
        "gated-axial-unet": (79.91, 67.85),
        "logo": (79.68, 67.69),
        "medt": (81.02, 69.61),
    },
    "monuseg": {
        "unet": (79.43, 65.99),
        "axial-unet": (76.83, 62.49),
        "gated-axial-unet": (76.44, 62.01),
        "logo": (79.56, 66.17),
        "medt": (79.55, 66.17),
    },
}


def as_made(network: nn.Module) -> None:
    """Leave a network as it is."""


def gates_after_norms(network: nn.Module) -> None:
    """Let gates act after normalisation, as the paper's equation 3 says."""
    for module in network.modules():
        if isinstance(module, AxialAttention):
            module.compatible = False


def patches_as_one_batch(network: nn.Module) -> None:
    """Normalise all patches together."""
    network.compatible = False  # type: ignore[assignment]  # of the network alone: its layers have their own


# Label, whether the network is made in the authors' arithmetic, and what is repaired afterwards.
REPAIRS: dict[str, tuple[str, bool, Callable[[nn.Module], None]]] = {
    "authors": ("authors' arithmetic", True, as_made),
    "gates": ("gates after normalisation", True, gates_after_norms),
    "patches": ("patches normalised as one batch", True, patches_as_one_batch),
    "ours": ("both: the default", False, as_made),
}


def main() -> None:
    """Train what is not trained yet, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sets", nargs="+", default=list(FOLDERS), choices=FOLDERS)
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=NETWORKS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--authors", action="store_true")
    parser.add_argument("--repairs", action="store_true")
    parser.add_argument("--own-scale", action="store_true")
    options = parser.parse_args()
    for name in options.sets:
        size = None if options.own_scale else SIZE
        data = prepared(options.folder, options.out / "own" if options.own_scale else options.out, name, size=size)
        if options.authors:
            options.steps = TrainSettings.recipe("medt", len(data.split("train"))).steps
        for seed in options.seeds:
            for network in list(REPAIRS) if options.repairs else options.networks:
                _run(options, data, name, network, seed)
        (_report_repairs if options.repairs else _report)(options.out, name, options.steps, _suffix(options))


def prepared(folder: Path, out: Path, name: str, *, size: int | None = SIZE) -> DataSet:
    """Write a set's images, square of a size or as they are, with masks of two classes, some training images set aside.

    What is set aside is a fifth, to choose the model by.
    """
    root = out / name
    source_name, test, _ = FOLDERS[name]
    if not (root / "manifest.csv").exists():
        source = DataSet.open(folder / source_name)
        for kind in ("images", "masks"):
            (root / kind).mkdir(parents=True, exist_ok=True)
        rows = ["file,split"]
        numbers = {"train": 0, test: 0}
        given = test in source.splits
        for sample in source.samples:
            if sample.split not in numbers:
                continue
            image, mask = read_sample(sample)
            number = numbers[sample.split]
            numbers[sample.split] += 1
            tested = sample.split == test or (not given and number % 5 == 3)
            split = "test" if tested else "val" if number % 5 == 4 else "train"
            file = f"{Path(sample.name).stem}.tif"
            tifffile.imwrite(root / "images" / file, _smaller(image, size), photometric="rgb")
            tifffile.imwrite(root / "masks" / file, _smaller_mask(mask > 0, size))
            rows.append(f"{file},{split}")
        (root / "manifest.csv").write_text("\n".join(rows) + "\n")
    return DataSet.open(root)


def _smaller(image: NDArray[Any], size: int | None) -> NDArray[np.uint8]:
    if size is None:
        return np.asarray(image, np.uint8)
    small = resize(image, (size, size, *image.shape[2:]), order=1, anti_aliasing=True, preserve_range=True)
    return np.asarray(small.round().clip(0, 255), np.uint8)


def _smaller_mask(mask: NDArray[np.bool_], size: int | None) -> NDArray[np.uint8]:
    if size is None:
        return np.asarray(mask, np.uint8)
    return np.asarray(resize(mask.astype(float), (size, size), order=1, anti_aliasing=True) >= 0.5, np.uint8)


def _run(options: argparse.Namespace, data: DataSet, name: str, network: str, seed: int) -> None:
    result = options.out / f"{name}-{network}-{seed}-{options.steps}{_suffix(options)}.json"
    if result.exists():
        return
    _, compatible, change = REPAIRS.get(network, ("", False, as_made))
    architecture = "medt" if network in REPAIRS else network
    axial = {"image_size": SIZE, "compatible": compatible}
    convolutional = {"widths": (16, 32, 64, 128, 192), "upsampling": "transposed", "decoder_convolutions": 1}
    header = new_header(
        data,
        architecture=architecture,
        name=network,
        result="semantic",
        class_names=[FOLDERS[name][2]],
        config=axial if architecture in AXIAL else convolutional,
    )
    settings = TrainSettings(
        steps=options.steps, batch=BATCH, patch=SIZE, learning_rate=2e-3, validate_every=50, seed=seed, workers=0
    )
    if options.authors:
        recipe = TrainSettings.recipe("medt", len(data.split("train")))
        settings = replace(recipe, seed=seed, workers=0)
    path = result.with_suffix(".safetensors")
    with _changed(change):
        training.train(data, header, path, settings, resume=True)
    model = load(path)
    change(model.network)
    score = scores(model, data)
    with atomic_path(result, overwrite=True) as temporary:
        temporary.write_text(json.dumps({**score, "step": model.header.training["step"]}))
    print(result.stem, score, flush=True)


@contextmanager
def _changed(change: Callable[[nn.Module], None]) -> Iterator[None]:
    """Let every network that is trained inside the ``with`` block be changed when it is made."""
    create = training.create

    def changed(*arguments: Any, **config: Any) -> nn.Module:
        network = create(*arguments, **config)
        change(network)
        return network

    training.create = changed
    try:
        yield
    finally:
        training.create = create


def scores(model: Model, data: DataSet) -> dict[str, float]:
    """Return mean F1 and IoU (per cent) over the test images; of 128 px, F1 with the norms' statistics of each, too."""
    f1, iou, f1_own = [], [], []
    samples = data.split("test")
    for sample, normalised in zip(samples, load_images(samples, model.header), strict=True):
        truth = normalised.labels
        counts = pixel_counts(np.asarray(segment(read_sample(sample)[0], model).labels), truth, classes=2)
        f1.append(_or_zero(counts.f1[1]))
        iou.append(_or_zero(counts.iou[1]))
        if truth.shape == (SIZE, SIZE):  # as large as what the network was trained for
            f1_own.append(_or_zero(pixel_counts(_as_in_training(model.network, normalised), truth, classes=2).f1[1]))
    own = {"f1_own": 100 * float(np.mean(f1_own))} if f1_own else {}
    return {"f1": 100 * float(np.mean(f1)), "iou": 100 * float(np.mean(iou)), **own}


def _as_in_training(network: nn.Module, image: TrainingImage) -> NDArray[np.int64]:
    """Segment with a network in training mode, as the authors' training script validates; it stays as it is."""
    before = {key: value.clone() for key, value in network.state_dict().items()}
    batch = torch.from_numpy(image.image.astype(np.float32))[None]
    with torch.no_grad():
        found = network.train()(batch).argmax(1)[0].numpy()
    network.eval().load_state_dict(before)
    return np.asarray(found, np.int64)


def _or_zero(score: float) -> float:
    return 0.0 if np.isnan(score) else float(score)


def _suffix(options: argparse.Namespace) -> str:
    return ("-authors" if options.authors else "") + ("-own" if options.own_scale else "")


def _report(out: Path, name: str, steps: int, suffix: str) -> None:
    rows = []
    for network in NETWORKS:
        found = _found(out, name, network, f"{steps}{suffix}")
        if found:
            paper = PAPER[name].get(network)
            quoted = [f"{value:.1f}" for value in paper] if paper else ["-", "-"]
            rows.append([network, _spread(found, "f1"), _spread(found, "iou"), str(len(found)), *quoted])
    columns = (name, "F1", "IoU", "seeds", "paper: F1", "paper: IoU")
    report(_table(f"{name}_accuracy", steps, suffix), columns, rows, {"steps": steps, "batch": BATCH, "size": SIZE})


def _report_repairs(out: Path, name: str, steps: int, suffix: str) -> None:
    rows = []
    for repair, (label, *_) in REPAIRS.items():
        found = _found(out, name, repair, f"{steps}{suffix}")
        if found:
            rows.append([label, _spread(found, "f1"), _spread(found, "f1_own"), str(len(found))])
    columns = (f"MedT on {name}", "F1", "F1 with each image's own statistics", "seeds")
    report(_table(f"{name}_repairs", steps, suffix), columns, rows, {"steps": steps, "batch": BATCH, "size": SIZE})


def _table(kind: str, steps: int, suffix: str) -> str:
    return f"{kind}{suffix.replace('-', '_')}" if suffix or steps == STEPS else f"{kind}_{steps}"


def _found(out: Path, name: str, network: str, run: str) -> list[dict[str, float]]:
    return [json.loads(path.read_text()) for path in sorted(out.glob(f"{name}-{network}-[0-9]-{run}.json"))]


def _spread(found: list[dict[str, float]], key: str) -> str:
    values = [one[key] for one in found]
    middle = f"{statistics.mean(values):.1f}"
    return middle if len(values) == 1 else f"{middle} ± {statistics.stdev(values):.1f}"


if __name__ == "__main__":
    main()
