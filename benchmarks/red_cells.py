"""What tells twelve shapes of red blood cells best at equal budget: Med-Former, its parts, and other networks.

    python -m benchmarks.red_cells FOLDER OUT [--variants ...] [--seeds 0 1 2] [--steps 3000] [--encoder-weights FILE]

FOLDER is a set of classes such as Chula RBC-12 (crops of 72 px, MIT). All networks see the same pictures in the same
order, varied in the same way, for as many steps, each at its architecture's learning rate; where ``--learning-rates``
names several, with each of these. Those that see through EfficientNet-Lite0 begin with its published weights
(``--encoder-weights``, as :mod:`benchmarks.train_click` has it), and are left out without; all others begin with random
ones. "best" is the model that a training keeps, which was chosen by the same validation
pictures; "last" is the one at its end, which was not.

Runs that were stopped go on where they were; finished ones are kept, and all of OUT that had as many steps is in the
table, with the mean over the seeds of each network below.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.machine import report
from src_models.classifying.evaluation.evaluate import evaluate_classes
from src_models.classifying.training.new_classifier import new_classifier
from src_models.classifying.training.settings import ClassTrainSettings
from src_models.classifying.training.training import train_classes
from src_models.disk.atomic import atomic_path
from src_models.files.class_sets.class_set import ClassSet
from src_models.files.class_sets.opening import open_class_set
from src_models.models.architectures import find_architecture
from src_models.models.checkpoint import load

# Networks that begin with published weights. The first six are the paper's ablation on their tokens.
_EMBEDDED: dict[str, Any] = {"embedding": "efficientnet-lite0", "stages": 2}
BEGUN: dict[str, tuple[str, str, dict[str, Any]]] = {
    "swin-lite0": ("Swin", "swin", _EMBEDDED),
    "swin-concat-lite0": ("Swin, stages joined", "med-former", {**_EMBEDDED, "local": False, "fusion": "concat"}),
    "swin-saf-lite0": ("Swin, SAF", "med-former", {**_EMBEDDED, "local": False, "fusion": "saf"}),
    "lgt-lite0": ("LGT", "med-former", {**_EMBEDDED, "local": True, "fusion": "none"}),
    "lgt-concat-lite0": ("LGT, stages joined", "med-former", {**_EMBEDDED, "local": True, "fusion": "concat"}),
    "med-former-lite0": ("LGT, SAF: Med-Former", "med-former", _EMBEDDED),
    "lite0": ("EfficientNet-Lite0", "efficientnet-lite0", {}),
}
# Of each row: what it is, the architecture, and what of it is otherwise. The middle six are the paper's ablation.
VARIANTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "resnet18": ("ResNet-18", "resnet18", {}),
    "vit": ("Vision Transformer", "vit", {}),
    "swin": ("Swin", "swin", {}),
    "swin-concat": ("Swin, stages joined", "med-former", {"local": False, "fusion": "concat"}),
    "swin-saf": ("Swin, SAF", "med-former", {"local": False, "fusion": "saf"}),
    "lgt": ("LGT", "med-former", {"local": True, "fusion": "none"}),
    "lgt-concat": ("LGT, stages joined", "med-former", {"local": True, "fusion": "concat"}),
    "med-former": ("LGT, SAF: Med-Former", "med-former", {}),
    **{name: (f"{words}, on ImageNet's weights", *rest) for name, (words, *rest) in BEGUN.items()},
}


def main() -> None:
    """Train and measure what is not there yet, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=VARIANTS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--learning-rates", nargs="+", type=float, help="the architecture's own unless given")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--average", type=float, default=0.98, help="of the weights; 0 for none")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="32-true", help="bf16-mixed where the processor multiplies bfloat16")
    parser.add_argument("--encoder-weights", type=Path)
    options = parser.parse_args()
    data = open_class_set(options.folder)
    options.out.mkdir(parents=True, exist_ok=True)
    for seed in options.seeds:
        for variant in options.variants:
            if variant in BEGUN and options.encoder_weights is None:
                continue
            for rate in options.learning_rates or [None]:
                run(data, options, variant, seed, rate)
                write_table(options.out, options.steps)


def run(data: ClassSet, options: argparse.Namespace, variant: str, seed: int, rate: float | None) -> None:
    """Train and measure one network, unless that was done."""
    words, architecture, own = VARIANTS[variant]
    record = find_architecture(architecture)
    recipe = ClassTrainSettings.recipe(architecture, len(data.split("train")), size=data.size)
    settings = replace(
        recipe,
        steps=options.steps,
        batch=options.batch,
        learning_rate=rate or recipe.learning_rate,
        average=options.average,
        validate_every=max(1, options.steps // 20),
        seed=seed,
        device=options.device,
        precision=options.precision,
    )
    path = options.out / f"{variant}-{settings.steps}-{settings.learning_rate:g}-{seed}.safetensors"
    result = path.with_suffix(".json")
    if result.exists():
        return
    chosen = {**{option.name: option.default for option in record.options}, **own}
    header = new_classifier(
        data,
        architecture=architecture,
        name=path.stem,
        purpose=words,
        size=settings.patch,
        config=record.configure(chosen, settings.patch),
    )
    begun, first = time.process_time(), None

    def count(update: Any) -> None:
        nonlocal first
        first = update.step if first is None else first

    begin = {"encoder_weights": options.encoder_weights} if variant in BEGUN else {}
    train_classes(data, header, path, settings, **begin, resume=True, on_update=count)
    steps = settings.steps - (first or 1) + 1
    facts = {
        "variant": variant,
        "steps": settings.steps,
        "rate": settings.learning_rate,
        "seed": seed,
        "parameters": sum(parameter.numel() for parameter in load(path).network.parameters()),
        "seconds_per_step": (time.process_time() - begun) / steps,
    }
    for name, file in (("best", path), ("last", path.with_suffix(".last.safetensors"))):
        measured = evaluate_classes(data, load(file), split="val", device=options.device).to_dict()
        facts[name] = {key: measured[key] for key in ("accuracy", "balanced_accuracy", "auc", "per_class", "confusion")}
    with atomic_path(result, overwrite=True) as beside:
        beside.write_text(json.dumps(facts))
    print(path.stem, f"accuracy {facts['best']['accuracy']:.4f}, last {facts['last']['accuracy']:.4f}", flush=True)


def write_table(out: Path, steps: int) -> None:
    """Write a row for each run, and the means of the seeds."""
    found = [json.loads(path.read_text()) for path in sorted(out.glob("*.json"))]
    found = [one for one in found if one["steps"] == steps]
    found.sort(key=lambda one: (list(VARIANTS).index(one["variant"]), one["rate"], one["seed"]))
    rows: list[list[object]] = [
        [*_cells(one), one["seed"], *(f"{one[name]['accuracy']:.3f}" for name in ("best", "last"))] for one in found
    ]
    for variant, rate in dict.fromkeys((one["variant"], one["rate"]) for one in found):
        alike = [one for one in found if (one["variant"], one["rate"]) == (variant, rate)]
        if len(alike) > 1:
            scores = [[one[name]["accuracy"] for one in alike] for name in ("best", "last")]
            means = [f"{statistics.mean(each):.3f} ± {statistics.stdev(each):.3f}" for each in scores]
            rows.append([*_cells(alike[0]), f"mean of {len(alike)}", *means])
    columns = (
        "network",
        "parameters (M)",
        "s per step (CPU)",
        "learning rate",
        "seed",
        "accuracy, best",
        "accuracy, last",
    )
    report("red_cells", columns, rows, {"steps": steps})


def _cells(one: dict[str, Any]) -> list[object]:
    parameters = f"{one['parameters'] / 1e6:.2f}"
    return [VARIANTS[one["variant"]][0], parameters, f"{one['seconds_per_step']:.2f}", one["rate"]]


if __name__ == "__main__":
    main()
