"""Put several data sets into one folder, so that one training can take them all.

    python benchmarks/assemble_data_set.py OUT FOLDER...

Each FOLDER has the layout of a data set: ``images/NAME``, ``masks/NAME`` and a ``manifest.csv`` with the columns
``file`` and ``split``. OUT gets the same layout with symbolic links to the files (copies where links are not possible,
or with ``--copy``) and a manifest with the columns ``file,split,source``. Names get the folder's name in front, since
two sets may use the same name: ``dsb2018_fluo_00071198d059ba7f.png``. Splits stay as they are.

The data set of the model ``nuclei`` is made by (folders given by their paths)

    python benchmarks/assemble_data_set.py runs/nuclei_data dsb2018_fluo dsb2018_histo dsb2018_brightfield
"""

from __future__ import annotations

import argparse
import csv
import shutil
import sys
from collections import Counter
from pathlib import Path

from src_models.errors import DataSetError, OutputError, UserError
from src_models.files.dataset import DataSet, Sample


def assemble(out: Path, folders: list[Path], *, copy: bool = False) -> list[dict[str, str]]:
    """Write the joined data set and return its manifest's rows.

    Raises
    ------
    OutputError
        If `out` exists and holds files.
    DataSetError
        If two folders have the same name, or one is no data set.
    """
    folders = [folder.resolve() for folder in folders]
    if len({folder.name for folder in folders}) < len(folders):
        raise DataSetError("two of the folders have the same name: rename one, since names of files start with it")
    if out.exists() and any(out.iterdir()):
        raise OutputError(f"{out}: this folder is not empty; give a new one")
    data_sets = [DataSet.open(folder) for folder in folders]
    for kind in ("images", "masks"):
        (out / kind).mkdir(parents=True, exist_ok=True)
    rows = []
    for folder, data in zip(folders, data_sets, strict=True):
        for sample in data.samples:
            name = f"{folder.name}_{sample.name}"
            _place(sample, out, name, copy=copy)
            rows.append({"file": name, "split": sample.split or "", "source": folder.name})
    _write_manifest(out / "manifest.csv", rows)
    return rows


def _place(sample: Sample, out: Path, name: str, *, copy: bool) -> None:
    for source, target in ((sample.image, out / "images" / name), (sample.mask, out / "masks" / name)):
        if not copy:
            try:
                target.symlink_to(source.resolve())
                continue
            except OSError:  # Windows without the privilege, or a file system that has no links
                pass
        shutil.copyfile(source, target)


def _write_manifest(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["file", "split", "source"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> int:
    """Read the arguments, assemble, and print how many images each source gives to each split."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT", help="new folder of the joined data set")
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="data sets to join")
    parser.add_argument("--copy", action="store_true", help="copy the files instead of linking to them")
    options = parser.parse_args()
    try:
        rows = assemble(options.out, options.folders, copy=options.copy)
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    for (source, split), count in sorted(Counter((row["source"], row["split"]) for row in rows).items()):
        print(f"{source:24} {split or '-':8} {count:5}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
