"""Whether the attention maps of the shipped models are true: docs/audit.md with its pictures, and the table.

Run as ``python -m benchmarks.attention_audit FOLDER_WITH_THE_SETS``. What was measured of a model file is kept in
``benchmarks/results/attention_audit_NAME.json`` and taken from there as long as the file is the same, so that a new
model file costs the time of that file alone; ``--again`` measures all anew.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.machine import RESULTS, machine, report
from src_models.auditing.auditor import audit
from src_models.auditing.figures import MapAudit
from src_models.auditing.report.averaging import average
from src_models.auditing.report.chart import curve_panels, draw_chart
from src_models.auditing.report.overlay import draw_maps
from src_models.auditing.report.page import markdown_table, section, write_picture
from src_models.auditing.report.table import COLUMNS, rows
from src_models.auditing.results import Audit
from src_models.errors import UserError
from src_models.files.dataset import DataSet
from src_models.files.images import read_image, read_labels
from src_models.files.samples import read_sample
from src_models.models.checkpoint import Model, load

REPOSITORY = Path(__file__).resolve().parents[1]
SETS = {"fluorescence": "dsb2018_fluo", "histology": "dsb2018_histo"}
SAMPLES = ("fluorescence", "histology", "brightfield")
INTRODUCTION = Path(__file__).parent / "attention_audit_introduction.md"
VERDICTS = {1: "better than chance", 0: "not told from chance", -1: "worse than chance"}
SHORT = ("model", "images", "map", "removing what it marks", "showing what it marks", "like the untrained")


def main() -> None:
    """Audit every model on every set and on the sample images, print and write table and page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=10, help="of each set")
    parser.add_argument("--models", nargs="+", default=["nuclei", "nuclei-medt"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--again", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    measured = [
        measure(load(name), arguments.folder, arguments.images, again=arguments.again) for name in arguments.models
    ]
    table = [row for one in measured for row in one["table"]]
    report("attention_audit", ("model", "set (val)", "images", *COLUMNS), table, {"images": arguments.images})
    write_document(measured)


def measure(model: Model, folder: Path, count: int, *, again: bool) -> dict[str, Any]:
    """Return all that the page says of a model: kept from an earlier run of the same file, or measured."""
    kept = RESULTS / f"attention_audit_{model.header.name}.json"
    if kept.exists() and not again:
        found = json.loads(kept.read_text())
        if (found["sha256"], found["count"]) == (model.sha256, count):
            return found
    found = {"sha256": model.sha256, "count": count, "machine": machine(), "short": [], "table": [], "sections": []}
    for words, data in SETS.items():
        audited, skipped = audit_set(DataSet.open(folder / data), model, words, count)
        found["sections"].append(page_section(model, audited, words, folder / data, skipped))
        found["table"] += [[model.header.name, words, audited.images, *row] for row in rows(audited)]
        found["short"] += [[model.header.name, words, *short(one)] for one in audited.maps]
        print(*audited.summary, sep="\n", flush=True)
    found["samples"] = [row for sample in SAMPLES for row in sample_rows(model, sample)]
    kept.write_text(json.dumps(found, indent=1) + "\n")
    return found


def short(one: MapAudit) -> list[str]:
    """Return a map's line of the table that begins the page."""
    final = one.randomisation.final
    gains = (one.order.deletion_gain, one.order.insertion_gain)
    return [one.name, *(VERDICTS[gain.verdict] for gain in gains), "flat" if final is None else f"{final:.2f}"]


def audit_set(data: DataSet, model: Model, words: str, count: int) -> tuple[Audit, int]:
    """Audit images spread evenly over the split val; return the mean and how many had nothing found in their middle."""
    audits, skipped = [], 0
    for number, sample in enumerate(spread(data.split("val"), count)):
        image, labels = read_sample(sample)
        axes = "YXC" if image.ndim == 3 else "YX"
        try:
            audits.append(audit(image, model, labels=labels, axes=axes, seed=number, device="cpu", name=sample.name))
        except UserError as error:
            print(error, flush=True)
            skipped += 1
    return average(audits, words), skipped


def spread(samples: Any, count: int) -> list[Any]:
    """Return samples at even distances."""
    places = np.linspace(0, len(samples) - 1, min(count, len(samples))).round().astype(int)
    return [samples[place] for place in places]


def page_section(model: Model, found: Audit, words: str, folder: Path, skipped: int) -> str:
    """Draw a set's pictures and return its part of the page."""
    stem = f"audit_{model.header.name}_{words}"
    images = REPOSITORY / "docs" / "images"
    path = REPOSITORY / "sample_data" / f"{words}.png"
    maps = draw_maps(read_image(path).data, model, [one.name for one in found.maps], device="cpu", name=path.name)
    write_picture(images / f"{stem}_maps.png", maps, overwrite=True)
    chart = draw_chart(curve_panels(found), f"{model.header.name}, {words}, mean over {found.images} images")
    write_picture(images / f"{stem}_curves.png", chart, overwrite=True)
    text = section(found, {"maps": f"images/{stem}_maps.png", "curves": f"images/{stem}_curves.png"})
    left_out = f"\nLeft out: {skipped} images in whose middle the model finds nothing.\n" if skipped else ""
    return f"## {model.header.name} on {words}, {found.images} images of {folder.name}\n\n{text}{left_out}"


def sample_rows(model: Model, sample: str) -> list[list[str]]:
    """Audit a sample image; return a row for each map."""
    image = read_image(REPOSITORY / "sample_data" / f"{sample}.png").data
    labels = read_labels(REPOSITORY / "sample_data" / f"{sample}_labels.png")
    try:
        found = audit(image, model, labels=labels, device="cpu", name=sample)
    except UserError:
        return [[model.header.name, sample, "nothing found in the middle", *[""] * (len(COLUMNS) - 1)]]
    print(*found.summary, sep="\n", flush=True)
    return [[model.header.name, sample, *row] for row in rows(found)[1 + len(found.references) :]]


def write_document(measured: list[dict[str, Any]]) -> None:
    """Write docs/audit.md."""
    where = ", ".join(f"{key} {value}" for key, value in measured[0]["machine"].items() if value is not None)
    of_samples = markdown_table(("model", "sample", *COLUMNS), [row for one in measured for row in one["samples"]])
    parts = [
        INTRODUCTION.read_text(encoding="utf-8"),
        markdown_table(SHORT, [row for one in measured for row in one["short"]]) + "\n",
        *(section_ for one in measured for section_ in one["sections"]),
        f"## The sample images\n\nOne image each, its middle; ± is the spread of random orders.\n\n{of_samples}\n",
        f"Measured on: {where}. This page is made by `python -m benchmarks.attention_audit`.\n",
    ]
    (REPOSITORY / "docs" / "audit.md").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
