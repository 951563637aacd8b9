"""The data sets of the models of objects that ship: what they learn from, and what judges them.

    python -m benchmarks.training_sets {nuclei,whole-cells,cells} SETS OUT

SETS holds the folders that are named below. Only sets whose licence lets a model that learnt from them be given on are
listed. OUT is a new folder (see benchmarks/assemble_data_set.py); it links to the files of SETS, but for those whose
objects are larger than about 60 px, which are stored smaller. Prints the images and the median diameter of the objects
(px, as stored) of each domain, split and source.

What is left out, and why:

- dsb2018_brightfield teaches `cells` alone: its few, noisy masks would be a quarter of what `nuclei` sees.
- nuinsseg_he: outlines of the objects that it marks as uncertain (a watershed's guess) teach nothing and judge nothing.
- usiigaci_phase: cells of two sizes, one image of each judges, since the set comes without a split of its own here.
  Background within 20 px of the edge does not count, where cells that are cut off are not always drawn.
- phase_microbes: the ten frames of yeast are one movie, so three of them teach, none judges. omni_caulo_15 is left out:
  its stalks are thinner than the outlines that are learnt.
- bccd_wbc: white cells alone are drawn, so the model learns white cells in smears; red cells and platelets are its
  background there. To leave their pixels out instead would teach nothing of nine tenths of the cells in the image, and
  whether they are found would be left to chance.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from benchmarks.assemble_data_set import Part, assemble
from src_models.errors import UserError
from src_models.files.dataset import DataSet
from src_models.files.samples import read_marks, read_sample
from src_models.labels.instances import median_diameter

YEAST_LEFT_OUT = tuple(f"yeast_{number}.png" for number in (1, 2, 3, 5, 6, 7, 9))


def parts(model: str, sets: Path) -> list[Part]:
    """Return what the data set "nuclei", "whole-cells", or both together, "cells", is made of."""
    if model == "cells":
        bright = Part(sets / "dsb2018_brightfield", "bright field")
        return [*_nuclei(sets, tiles="stained"), bright, *_whole_cells(sets)]
    return _nuclei(sets, tiles="H&E") if model == "nuclei" else _whole_cells(sets)


def _nuclei(sets: Path, tiles: str) -> list[Part]:
    """Return the sets of nuclei; `tiles` is the domain of NuInsSeg's, three times as many as other stained images."""
    stage_1_test = sets / "dsb2018_stage1_test"
    return [
        Part(sets / "dsb2018_fluo", "fluorescence"),
        Part(stage_1_test, "fluorescence", where={"modality": "fluo"}),
        Part(sets / "aitslab_nuclei", "fluorescence"),
        Part(sets / "dsb2018_histo", "stained"),
        Part(stage_1_test, "stained", where={"modality": "histo"}),
        Part(sets / "nuinsseg_he", tiles),
    ]


def _whole_cells(sets: Path) -> list[Part]:
    return [
        Part(sets / "usiigaci_phase", "phase contrast", validates=("set12.png", "set16.png"), zoom=0.5, margin=20),
        Part(sets / "phase_microbes", "microbes", without=("omni_caulo_15.png", *YEAST_LEFT_OUT)),
        Part(sets / "bccd_wbc", "blood", zoom=0.6),
    ]


def table(data: DataSet) -> list[str]:
    """Return a line for each domain, source and split: images, objects that count, diameters."""
    found = defaultdict(list)
    for sample in data.samples:
        mask = read_sample(sample)[1]
        counts = read_marks(sample, mask.shape)
        known = mask if counts is None else np.where(counts, mask, 0)
        objects = len(np.setdiff1d(known, [0]))
        found[sample.domain, sample.split].append((objects, median_diameter(known)))
    lines = ["domain           split  images  objects  diameter: median of images, 5 and 95 %"]
    for (domain, split), facts in sorted(found.items(), key=str):
        objects = sum(fact[0] for fact in facts)
        low, middle, high = np.percentile([fact[1] for fact in facts if fact[1] is not None], (5, 50, 95))
        lines.append(f"{domain:16} {split:5} {len(facts):7} {objects:8}  {middle:.0f} px ({low:.0f} to {high:.0f})")
    return lines


def main() -> int:
    """Assemble a model's data set and print what is in it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=("nuclei", "whole-cells", "cells"))
    parser.add_argument("sets", type=Path, metavar="SETS", help="folder that holds the data sets")
    parser.add_argument("out", type=Path, metavar="OUT", help="new folder of the joined data set")
    options = parser.parse_args()
    try:
        assemble(options.out, parts(options.model, options.sets))
        print("\n".join(table(DataSet.open(options.out))))
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
