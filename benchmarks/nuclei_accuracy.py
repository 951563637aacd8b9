"""How well models find nuclei: average precision on each set, one row per model.

Run as ``python -m benchmarks.nuclei_accuracy FOLDER_WITH_THE_SETS MODEL... [--split val]``, models by name or path.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.machine import report
from src_models.evaluating.evaluate import evaluate
from src_models.files.dataset import DataSet
from src_models.models.checkpoint import load

SETS = ("dsb2018_fluo", "dsb2018_histo", "dsb2018_brightfield")


def main() -> None:
    """Evaluate every model on every set, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--split", default="val")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.models:
        model = load(Path(name) if name.endswith(".safetensors") else name)
        for data in SETS:
            found = evaluate(DataSet.open(arguments.folder / data), model, split=arguments.split)
            rows.append(
                [
                    model.header.name,
                    data,
                    len(found.images),
                    f"{found.mean.ap50:.3f}",
                    f"{found.mean.mean_ap:.3f}",
                    f"{found.pooled.ap50:.3f}",
                ]
            )
            print(rows[-1], flush=True)
    columns = ("model", f"set ({arguments.split})", "images", "AP at 0.5", "AP 0.5 to 0.95", "AP at 0.5, pooled")
    report("nuclei_accuracy", columns, rows)


if __name__ == "__main__":
    main()
