"""How well models find objects in each domain, and in each set, of a data set that benchmarks/training_sets.py made.

Run as ``python -m benchmarks.domain_accuracy FOLDER MODEL... [--split val]``, models by name or path. Pixels that do
not count there, and objects that lie in them, are left out. Writes results/FOLDER_domains.md.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from benchmarks.machine import report
from src_models.evaluating.evaluate import evaluate
from src_models.evaluating.scores import Evaluation
from src_models.files.dataset import DataSet
from src_models.models.checkpoint import load


def by_domain(found: Evaluation, folder: Path) -> dict[tuple[str, str], Evaluation]:
    """Divide an evaluation by domain, and by domain and source."""
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    parts = defaultdict(list)
    for image in found.images:
        row = rows[image.sample.name]
        parts[row["domain"], ""].append(image)
        parts[row["domain"], row["source"]].append(image)
    return {part: replace(found, images=tuple(images)) for part, images in sorted(parts.items())}


def main() -> None:
    """Evaluate every model, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--split", default="val")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.models:
        model = load(Path(name) if name.endswith(".safetensors") else name)
        found = evaluate(DataSet.open(arguments.folder), model, split=arguments.split)
        for (domain, source), part in by_domain(found, arguments.folder).items():
            scores = (part.mean.ap50, part.mean.mean_ap, part.pooled.ap50)
            rows.append([model.header.name, domain, source or "all", len(part.images), *(f"{s:.3f}" for s in scores)])
            print(rows[-1], flush=True)
    columns = (
        "model",
        "domain",
        f"set ({arguments.split})",
        "images",
        "AP at 0.5",
        "AP 0.5 to 0.95",
        "pooled AP at 0.5",
    )
    report(f"{arguments.folder.resolve().name}_domains", columns, rows)


if __name__ == "__main__":
    main()
