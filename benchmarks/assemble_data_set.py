"""Put several data sets into one folder, so that one training can take them all.

    python benchmarks/assemble_data_set.py OUT [DOMAIN=]FOLDER...

Each FOLDER has the layout of a data set: ``images/NAME``, ``masks/NAME`` and a ``manifest.csv`` with the columns
``file`` and ``split``. OUT gets the same layout with symbolic links to the files (copies where links are not possible,
or with ``--copy``) and a manifest with the columns ``file,split,source,domain``. Names get the folder's name in front,
since two sets may use the same name: ``dsb2018_fluo_00071198d059ba7f.png``. Splits stay as they are. A training draws
from each domain equally often; sets without a DOMAIN are one.

Pixels that do not count are in ``marked/`` (0 there), as in a set of corrections: what a FOLDER has in its own
``marked/``, and objects that its ``uncertain/`` marks, since nobody drew their outlines.

How the sets are cited goes along in ``CITATION.json``: what a FOLDER has in its own, or what is known of a set of that
name (``src_models/shipped/data_sets.toml``).

Which sets make which model is in ``benchmarks/training_sets.py``.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import DataSetError, OutputError, UserError
from src_models.files.dataset import DataSet
from src_models.files.samples import Sample, read_marks, read_sample
from src_models.models.citations import CITATION_FILE, Citation, as_fields, read_citations

COLUMNS = ("file", "split", "source", "domain")


@dataclass(frozen=True)
class Part:
    """One data set, and how it goes into the joined one.

    Parameters
    ----------
    folder
        Where it lies.
    domain
        The kind of its images; "" for none.
    where
        Values that a row of its manifest must have, by column.
    without
        Names that are left out.
    validates
        Names whose split becomes "val", for sets that have none.
    zoom
        What images and masks are resized by, for sets whose objects are larger than a patch shows well.
    margin
        Background so near to the edge (px of the original) does not count: cells that are cut off are not drawn.
    """

    folder: Path
    domain: str = ""
    where: Mapping[str, str] = field(default_factory=dict)
    without: Sequence[str] = ()
    validates: Sequence[str] = ()
    zoom: float = 1.0
    margin: int = 0


def assemble(out: Path, parts: Sequence[Part], *, copy: bool = False) -> list[dict[str, str]]:
    """Write the joined data set and return its manifest's rows.

    Raises
    ------
    OutputError
        If `out` exists and holds files.
    DataSetError
        If two folders have the same name, one is no data set, or a name that a part speaks of is not there.
    """
    folders = {part.folder.resolve() for part in parts}
    if len({folder.name for folder in folders}) < len(folders):
        raise DataSetError("two of the folders have the same name: rename one, since names of files start with it")
    if out.exists() and any(out.iterdir()):
        raise OutputError(f"{out}: this folder is not empty; give a new one")
    chosen = [(part, sample) for part in parts for sample in _chosen(part)]
    twice = [path for path, count in Counter(sample.image.resolve() for _, sample in chosen).items() if count > 1]
    if twice:
        raise DataSetError(f"{twice[0]} is there more than once: give each folder once")
    rows = []
    for part, sample in chosen:
        source = part.folder.resolve().name
        name = f"{source}_{sample.name}"
        _place(sample, part, out, name, copy=copy)
        split = "val" if sample.name in part.validates else sample.split or ""
        rows.append(dict(zip(COLUMNS, (name, split, source, part.domain), strict=True)))
    _write_manifest(out / "manifest.csv", rows)
    cited = as_fields(citation for folder in sorted(folders) for citation in _citations(folder))
    if cited:
        (out / CITATION_FILE).write_text(json.dumps(cited, indent=1) + "\n", encoding="utf-8")
    return rows


def _citations(folder: Path) -> list[Citation]:
    return read_citations(folder)


def _chosen(part: Part) -> list[Sample]:
    samples = DataSet.open(part.folder).samples
    unknown = {*part.without, *part.validates} - {sample.name for sample in samples}
    if unknown:
        raise DataSetError(f"{part.folder}: there is no {', '.join(sorted(unknown))}")
    if part.where:
        with (part.folder / "manifest.csv").open(newline="", encoding="utf-8-sig") as file:
            rows = {row["file"]: row for row in csv.DictReader(file)}
        wanted = {name for name, row in rows.items() if all(row.get(k) == value for k, value in part.where.items())}
        samples = tuple(sample for sample in samples if sample.name in wanted)
    samples = tuple(sample for sample in samples if sample.name not in part.without)
    if not samples:
        raise DataSetError(f"{part.folder}: no image is left of it")
    return list(samples)


def _place(sample: Sample, part: Part, out: Path, name: str, *, copy: bool) -> None:
    counts = _counting(sample, part)
    if part.zoom != 1:
        image, mask = read_sample(sample)
        _write(out / "images" / name, _resized(image, part.zoom, mask.ndim))
        _write(out / "masks" / name, _nearest(mask, part.zoom).astype(np.uint16))
    else:
        _link(sample.image, out / "images" / name, copy=copy)
        _link(sample.mask, out / "masks" / name, copy=copy)
    if counts is not None:
        _write(out / "marked" / name, _nearest(np.where(counts, np.uint8(255), np.uint8(0)), part.zoom))


def _counting(sample: Sample, part: Part) -> NDArray[np.bool_] | None:
    """Return which pixels of a sample count; None where all do."""
    unsure = part.folder / "uncertain" / sample.name
    if sample.marked is None and not unsure.is_file() and not part.margin:
        return None
    mask = read_sample(sample)[1]
    counts = read_marks(sample, mask.shape)
    if counts is None:
        counts = np.ones(mask.shape, bool)
    if unsure.is_file():
        import imageio.v3 as iio

        counts &= ~np.isin(mask, np.setdiff1d(mask[iio.imread(unsure) > 0], [0]))
    if part.margin:
        inner = np.zeros(mask.shape, bool)
        inner[(slice(part.margin, -part.margin),) * mask.ndim] = True
        counts &= inner | (mask > 0)
    return None if counts.all() else counts


def _resized(image: NDArray[Any], zoom: float, dimensions: int) -> NDArray[Any]:
    from skimage.transform import resize

    shape = tuple(round(length * zoom) for length in image.shape[:dimensions])
    found = resize(image, shape, order=1, preserve_range=True, anti_aliasing=True)
    return np.asarray(np.rint(found).astype(image.dtype) if image.dtype.kind in "iu" else found)


def _nearest(labels: NDArray[Any], zoom: float) -> NDArray[Any]:
    from skimage.transform import resize

    if zoom == 1:
        return labels
    shape = tuple(round(length * zoom) for length in labels.shape)
    return np.asarray(resize(labels, shape, order=0, preserve_range=True, anti_aliasing=False).astype(labels.dtype))


def _write(path: Path, array: NDArray[Any]) -> None:
    import imageio.v3 as iio

    path.parent.mkdir(parents=True, exist_ok=True)
    iio.imwrite(path, array)


def _link(source: Path, target: Path, *, copy: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not copy:
        try:
            target.symlink_to(source.resolve())
            return
        except OSError:  # Windows without the privilege, or a file system that has no links
            pass
    shutil.copyfile(source, target)


def _write_manifest(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def print_counts(rows: Sequence[Mapping[str, str]]) -> None:
    """Print how many images each source gives to each split."""
    counts = Counter((row["domain"], row["source"], row["split"]) for row in rows)
    for (domain, source, split), count in sorted(counts.items()):
        print(f"{domain or '-':16} {source:24} {split or '-':8} {count:5}")


def _part(text: str) -> Part:
    domain, sign, folder = text.rpartition("=")
    return Part(Path(folder), domain) if sign and not Path(text).exists() else Part(Path(text))


def main() -> int:
    """Read the arguments, assemble, and print how many images each source gives to each split."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT", help="new folder of the joined data set")
    parser.add_argument("parts", type=_part, nargs="+", metavar="[DOMAIN=]FOLDER", help="data sets to join")
    parser.add_argument("--copy", action="store_true", help="copy the files instead of linking to them")
    options = parser.parse_args()
    try:
        print_counts(assemble(options.out, options.parts, copy=options.copy))
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
