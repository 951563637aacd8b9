"""The data set of the shipped model ``ct-organs``: axial CT slices with organs that experts, or a model, drew.

    python -m benchmarks.ct_organ_set SETS OUT

SETS holds ``btcv_ct`` and ``ct_totalseg``; OUT is a new folder of axial slices in HU with pixels of 1.5 mm:

* ``btcv_ct``: slices of 15 patients, eight organs drawn by experts. They were stored in a soft-tissue window, so HU end
  at its limits, and pixels are taken as 1.5 mm, about what half of a scanner's 512 pixels are. Bones and lungs are not
  drawn there: those that a rule is sure of (:func:`sure_bone_and_lung`) are added to what is learnt, and other pixels
  that may be either do not count (``marked/``). What is tested has neither.
* ``ct_totalseg``: a torso teaches every organ, bones and lungs; an abdomen, of another patient, is tested. Their masks
  are a model's (TotalSegmentator).

Patients divide the set: "train"; "val", two patients, chooses the model; "test", the patients whom btcv_ct sets apart
and the abdomen, judges it and is never looked at before. A training draws from each domain equally often: three groups
of patients and the torso.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage

from src_models.errors import OutputError
from src_models.files.dataset import DataSet
from src_models.files.images import ImageFile, read_image
from src_models.files.samples import Sample, open_sample
from src_models.models.citations import CITATION_FILE, as_fields, read_citations

ORGANS = (
    "aorta", "gallbladder", "left kidney", "right kidney", "liver", "pancreas", "spleen", "stomach", "bones", "lungs",
)  # fmt: skip
EXPERTS = 8  # the first organs are those that btcv_ct has, in its order
WINDOW = (-125.0, 275.0)  # HU, of btcv_ct's 8 bits
SPACING = 1.5  # mm
CHOOSING = ("4", "10")  # patients of btcv_ct who choose the model
GROUPS = 3  # of btcv_ct's patients, each drawn from as often as the torso
COLUMNS = ("file", "split", "source", "domain", "patient", "drawn")

_BONES = re.compile(r"vertebrae_|sacrum|hip_|rib_|sternum|scapula_|clavicula_|humerus_|femur_|skull")
_SURELY_BONE, _AIR = 200.0, -120.0  # HU: brighter, or darker within the body, may be bone or lung where nobody drew it
_CLOSING, _LEAST = 6, 300  # px: marrow between bright edges, and the smallest patch that may be lung
_BONE = 100.0  # HU: darker is no bone but a canal, where bright edges lie around it
_LUNG, _RIB = 1500, 20  # px: the smallest lung in a slice that no gas in bowels reaches, and how deep ribs lie


class Slice(NamedTuple):
    """An axial slice (y, x) in HU at 1.5 mm, its organs, and what counts (None: all)."""

    name: str
    image: NDArray[np.int16]
    organs: NDArray[np.uint8]
    counts: NDArray[np.bool_] | None
    split: str
    source: str
    domain: str
    patient: str
    drawn: str = ""  # the numbers of the organs that somebody looked for; nothing where all were


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args(arguments)
    for row in assemble(options.sets, options.out):
        print(", ".join(f"{count} {word}" for word, count in row.items()))


def assemble(sets: Path, out: Path) -> list[dict[str, Any]]:
    """Write the data set and return, for each source and split, how many slices and patients it has.

    Raises
    ------
    OutputError
        If `out` exists and holds files.
    """
    if out.exists() and any(out.iterdir()):
        raise OutputError(f"{out}: this folder is not empty; give a new one")
    for folder in ("images", "masks", "marked"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    rows = []
    for one in (*_drawn_by_experts(sets / "btcv_ct"), *_drawn_by_a_model(sets / "ct_totalseg")):
        tifffile.imwrite(out / "images" / one.name, one.image, compression="zlib")
        tifffile.imwrite(out / "masks" / one.name, one.organs, compression="zlib")
        if one.counts is not None:
            counted = np.where(one.counts, np.uint8(255), np.uint8(0))
            tifffile.imwrite(out / "marked" / one.name, counted, compression="zlib")
        told = (one.name, one.split, one.source, one.domain, one.patient, one.drawn)
        rows.append(dict(zip(COLUMNS, told, strict=True)))
    with (out / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    cited = as_fields(citation for name in ("btcv_ct", "ct_totalseg") for citation in read_citations(sets / name))
    (out / CITATION_FILE).write_text(json.dumps(cited, indent=1) + "\n", encoding="utf-8")
    return _counted(rows)


def _counted(rows: Sequence[dict[str, str]]) -> list[dict[str, Any]]:
    kinds = sorted({(row["source"], row["split"]) for row in rows})
    of = {kind: [row for row in rows if (row["source"], row["split"]) == kind] for kind in kinds}
    return [
        {f"slices of {source} for {split}": len(found), "patients": len({row["patient"] for row in found})}
        for (source, split), found in of.items()
    ]


def _drawn_by_experts(folder: Path) -> Iterator[Slice]:
    with (folder / "manifest.csv").open(newline="", encoding="utf-8-sig") as file:
        cases = {row["file"]: row["case"] for row in csv.DictReader(file)}
    learnt = sorted(set(cases.values()), key=int)
    for sample in DataSet.open(folder).samples:
        stored, drawn, _ = open_sample(sample)
        low, high = WINDOW
        image = np.rint(low + stored.astype(np.float64) / 255 * (high - low)).astype(np.int16)
        organs = drawn.astype(np.uint8)
        unsure = may_be_bone_or_lung(image, organs)
        case, split = cases[sample.name], _split(sample, cases[sample.name])
        if split == "train":
            sure = sure_bone_and_lung(image, unsure)
            organs, unsure = np.where(sure > 0, sure, organs), unsure & (sure == 0)
        name = Path(sample.name).with_suffix(".tif").name
        group = f"abdomen {learnt.index(case) % GROUPS + 1}"
        looked_for = "" if split == "train" else " ".join(str(number + 1) for number in range(EXPERTS))
        yield Slice(name, image, organs, ~unsure, split, "btcv_ct", group, f"btcv {case}", looked_for)


def _split(sample: Sample, case: str) -> str:
    if sample.split == "val":
        return "test"
    return "val" if case in CHOOSING else "train"


def may_be_bone_or_lung(image: NDArray[np.int16], organs: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which pixels of no organ may be bone or lung, where neither was drawn.

    Parameters
    ----------
    image
        (y, x) HU.
    organs
        (y, x); above 0 in an organ that was drawn.
    """
    free = organs == 0
    bright = (image > _SURELY_BONE) & free
    around = ndimage.binary_closing(np.pad(bright, _CLOSING), iterations=_CLOSING)[
        _CLOSING:-_CLOSING, _CLOSING:-_CLOSING
    ]
    bone = ndimage.binary_fill_holes(around) & free
    dark, _ = ndimage.label(image <= _AIR)
    sizes = np.bincount(dark.ravel())
    edge = np.unique(np.concatenate([dark[0], dark[-1], dark[:, 0], dark[:, -1]]))
    lung = (sizes[dark] >= _LEAST) & ~np.isin(dark, edge) & (dark > 0) & free
    return np.asarray(bone | lung)


def sure_bone_and_lung(image: NDArray[np.int16], candidates: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the candidates that lie where only bones or only lungs do.

    A bone is the spine, which is the largest bright part at the back of the midline, or lies close to the skin, where
    no bowel with contrast is. A lung is larger than gas in bowels is and reaches the back, where gas does not rise to
    in someone who lies on it.

    Parameters
    ----------
    image
        (y, x) HU.
    candidates
        (y, x): what :func:`may_be_bone_or_lung` tells.

    Returns
    -------
    ndarray
        (y, x): the numbers of bones and lungs among `ORGANS`; 0 elsewhere.
    """
    body = _body(image)
    if not body.any():
        return np.zeros(image.shape, np.uint8)
    rows, columns = (np.flatnonzero(body.any(axis=axis)) for axis in (1, 0))
    height, width, middle = np.ptp(rows), np.ptp(columns), (columns[0] + columns[-1]) / 2
    depth = ndimage.distance_transform_edt(body)
    found = np.zeros(image.shape, np.uint8)
    for lung in _parts(candidates & body & (image <= _AIR)):
        down = (np.nonzero(lung)[0] - rows[0]) / height
        if lung.sum() >= _LUNG and np.percentile(down, 95) > 0.6:
            found[lung] = ORGANS.index("lungs") + 1
    bright = ndimage.gaussian_filter(image.astype(np.float32), 1.0) > _BONE
    spine, largest = np.zeros(image.shape, bool), 0
    for bone in _parts(candidates & body & bright):
        ys, xs = np.nonzero(bone)
        if np.median(depth[bone]) < _RIB:
            found[bone] = ORGANS.index("bones") + 1
        elif abs(xs.mean() - middle) < 0.12 * width and ys.mean() - rows[0] > 0.5 * height and len(ys) > largest:
            spine, largest = bone, len(ys)
    found[spine] = ORGANS.index("bones") + 1
    return found


def _parts(mask: NDArray[np.bool_]) -> Iterator[NDArray[np.bool_]]:
    parts, count = ndimage.label(mask)
    return (parts == number for number in range(1, count + 1))


def _body(image: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Return the largest thing in a slice without its table, holes filled."""
    solid = ndimage.binary_opening(image > _AIR, iterations=2)
    parts, count = ndimage.label(solid)
    if not count:
        return solid
    return np.asarray(ndimage.binary_fill_holes(parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])))


def _drawn_by_a_model(folder: Path) -> Iterator[Slice]:
    for stem, split in (("torso_3mm", "train"), ("abdomen_512", "test")):
        scan, organs = masks_of_a_model(folder, stem)
        zoom = [scan.reading.spacing[letter] / SPACING for letter in "YX"]
        for z, (plane, drawn) in enumerate(zip(np.asarray(scan.data), organs, strict=True)):
            image = np.rint(_linear(plane, zoom)).astype(np.int16)
            yield Slice(f"{stem}_{z:03d}.tif", image, _smoothly(drawn, zoom), None, split, "ct_totalseg", "torso", stem)


def masks_of_a_model(folder: Path, stem: str) -> tuple[ImageFile, NDArray[np.uint8]]:
    """Return a scan of ``ct_totalseg``, and its organs (z, y, x) as `ORGANS` numbers them."""
    names = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    drawn = read_image(folder / "masks" / f"{stem}.nii.gz")
    return read_image(folder / "images" / f"{stem}.nii.gz"), _organ_of(names[stem])[np.asarray(drawn.data, np.int64)]


def _linear(plane: NDArray[Any], zoom: Sequence[float]) -> NDArray[np.float32]:
    return np.asarray(ndimage.zoom(plane.astype(np.float32), zoom, order=1, grid_mode=True, mode="nearest"))


def _organ_of(names: dict[str, str]) -> NDArray[np.uint8]:
    """Return a table from the numbers of a model's masks to those of `ORGANS`."""
    table = np.zeros(256, np.uint8)
    for number, name in names.items():
        sided = re.sub(r"(\w+)_(left|right)$", r"\2 \1", name)
        if name.startswith("lung_"):
            table[int(number)] = ORGANS.index("lungs") + 1
        elif _BONES.match(name):
            table[int(number)] = ORGANS.index("bones") + 1
        elif sided in ORGANS:
            table[int(number)] = ORGANS.index(sided) + 1
    return table


def _smoothly(organs: NDArray[np.uint8], zoom: Sequence[float]) -> NDArray[np.uint8]:
    """Resample classes by the largest of their shares, which leaves no steps where pixels were coarse."""
    present = np.unique(organs)
    shares = [_linear(organs == number, zoom) for number in present]
    return np.asarray(present[np.argmax(shares, axis=0)], np.uint8)


if __name__ == "__main__":
    main()
