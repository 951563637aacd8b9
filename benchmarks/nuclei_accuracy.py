"""How well models find nuclei: average precision on each set, one row per model.

Run as ``python -m benchmarks.nuclei_accuracy FOLDER_WITH_THE_SETS MODEL... [--split val]``, models by name or path;
``--sets NAME...`` takes these sets alone. With ``--flips`` there is a second row of each, of images that are looked at
from four sides, and the price of that: CPU time on one thread.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch

from benchmarks.machine import report
from src_models.evaluating.evaluate import evaluate, predict_sample
from src_models.files.dataset import DataSet
from src_models.models.checkpoint import load

SETS = ("dsb2018_fluo", "dsb2018_histo", "dsb2018_brightfield")


def price(folder: Path, models: list[str], sets: list[str], split: str) -> None:
    """Evaluate every model on every set without and with flips, print and write the table."""
    torch.set_num_threads(1)
    rows = []
    for name in models:
        model = load(Path(name) if name.endswith(".safetensors") else name)
        for data in sets:
            images = DataSet.open(folder / data)
            for flips in (False, True):  # what is loaded and compiled at first is no price of an image
                predict_sample(images.split(split)[0], model, device="cpu", flips=flips)
            for flips in (False, True):
                start = time.process_time()
                found = evaluate(images, model, split=split, device="cpu", flips=flips)
                spent = (time.process_time() - start) / len(found.images)
                scores = (found.mean.ap50, found.mean.mean_ap, found.pooled.ap50)
                ways = "four sides" if flips else "as it is"
                rows.append([model.header.name, data, ways, *(f"{score:.3f}" for score in scores), f"{spent:.2f}"])
                print(rows[-1], flush=True)
    scored = ("AP at 0.5", "AP 0.5 to 0.95", "AP at 0.5, pooled")
    report("nuclei_flips", ("model", f"set ({split})", "looked at", *scored, "CPU s per image"), rows)


def main() -> None:
    """Evaluate every model on every set, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--split", default="val")
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--flips", action="store_true")
    arguments = parser.parse_args()
    if arguments.flips:
        price(arguments.folder, arguments.models, arguments.sets, arguments.split)
        return
    rows = []
    for name in arguments.models:
        model = load(Path(name) if name.endswith(".safetensors") else name)
        for data in arguments.sets:
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
