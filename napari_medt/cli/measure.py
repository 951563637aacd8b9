"""``napari-medt measure``: size, form and grey values of the objects in labels, in pixels and in physical units."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_medt.cli import options
from napari_medt.cli.console import Console, complain
from napari_medt.cli.options import Axes, Overwrite, Series
from napari_medt.cli.segment_batch import some
from src_models.errors import ImageError, OutputError, UserError

if TYPE_CHECKING:
    from src_models.labels.measurements.table import Measurements

__all__ = ["image_of", "measure"]

_log = logging.getLogger(__name__)

_ENDING = "_measurements.csv"
_LABELS = "_labels"


def measure(
    labels: Annotated[
        list[Path],
        typer.Argument(
            metavar="LABELS",
            help="Labels in any format that `segment` reads or writes, folders of them, and quoted patterns.",
        ),
    ],
    image: Annotated[
        Path | None,
        typer.Option(
            metavar="IMAGE|FOLDER",
            help="Measure grey values too, of this image; in a folder, of NAME.* for NAME_labels.* or NAME.*.",
        ),
    ] = None,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="TABLE.csv|TABLE.parquet|FOLDER",
            help="One table of all, or a folder for a table of each; made if it is missing.",
        ),
    ] = Path("measurements.csv"),
    names: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json",
            help='What numbers are called, such as {"1": "spleen"}; as the file of the labels says unless given.',
            rich_help_panel=options.OBJECTS,
        ),
    ] = None,
    classes: Annotated[
        Path | None,
        typer.Option(
            metavar="TABLE.csv",
            help="Add the class of each object and its probability from a table of `classify --labels`.",
            rich_help_panel=options.OBJECTS,
        ),
    ] = None,
    overwrite: Overwrite = False,
    axes: Axes = None,
    series: Series = None,
) -> None:
    """Measure the objects, or classes, in labels, and what an image holds in them.

    A table has a row for each object: size in pixels and in mm², mL, µm² or µm³, longest diameter, axes, solidity,
    place, neighbours; with --image also mean, sum, standard deviation, minimum and maximum of each channel (HU for
    CT). The size of a pixel is the file's (NIfTI, NRRD, DICOM, OME); of oblique and sheared scans it is exact.

    Labels that cannot be measured are told, and the others are done. The exit status is 0 if all were done, else 1.
    Not a medical device.
    """
    from src_models.disk.atomic import check_new
    from src_models.files.image_list import list_images
    from src_models.labels.measurements.table import TABLE_SUFFIXES, check_table_name
    from src_models.measuring.measured_file import label_names

    options.check_files(image, names, classes)
    joint = output.suffix.lower() in TABLE_SUFFIXES
    if joint:
        check_table_name(output)
    listed = list_images(labels)
    paths = [path for path in listed.results if _LABELS in path.name] or list(listed.images)
    if image is not None and len(paths) > 1 and not _is_plain_folder(image):
        raise UserError(
            f"--image {image} is one image and there are {len(paths)} labels: name the folder of the images"
        )
    called = None if names is None else label_names(names)
    tables = [output] if joint else [output / table_name(path) for path in paths]
    if len(set(tables)) < len(tables):
        raise OutputError("two of the labels are called alike, and their tables would have one name; use one table")
    for table in tables:
        check_new(table, overwrite=overwrite)
    options.check_outputs(folders=[output.parent if joint else output], overwrite=overwrite)
    run = _Run(Console(), output, joint, image, called, classes, overwrite, axes, series)
    run.all(paths)
    if run.failed:
        raise typer.Exit(1)


def table_name(labels: Path) -> str:
    """Return what the table of some labels is called in a folder."""
    from src_models.disk.names import fitting

    return f"{fitting(_stem(labels), _ENDING)}{_ENDING}"


def image_of(place: Path, labels: Path) -> Path:
    """Return the image of some labels: the file itself, or in a folder what is called as they are.

    Raises
    ------
    ImageError
        If there is none, or several.
    """
    from src_models.files.images import image_stem, looks_like_image

    if not _is_plain_folder(place):
        return place
    there = sorted(path for path in place.iterdir() if not path.name.startswith(".") and path.suffix != ".json")
    found = [
        path
        for path in there
        if image_stem(path) == _stem(labels) and path.resolve() != labels.resolve() and looks_like_image(path)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise ImageError(f"{labels}: several images could be its ({some([str(path) for path in found])}); keep one")
    raise ImageError(f"{place}: there is no image of {labels} (called {_stem(labels)}, with any ending)")


def _stem(labels: Path) -> str:
    from src_models.files.images import image_stem

    return image_stem(labels).removesuffix(_LABELS)


def _is_plain_folder(path: Path) -> bool:
    from src_models.files.images import looks_like_image

    return path.is_dir() and not looks_like_image(path)


@dataclass(slots=True)
class _Run:
    """What a person asked for, for all labels, and what was measured so far."""

    console: Console
    output: Path
    joint: bool
    image: Path | None
    names: Mapping[int, str] | None
    classes: Path | None
    overwrite: bool
    axes: str | None
    series: str | None
    tables: list[Measurements] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def all(self, paths: list[Path]) -> None:
        """Measure one after the other; one that fails does not stop those after it."""
        begun = time.perf_counter()
        for path in paths:
            try:
                self._one(path)
            except OutputError:
                raise  # the tables after it would fail in the same way
            except UserError as error:
                self.failed.append(path.name)
                complain(str(error) if str(path) in str(error) else f"{path}: {error}")
            except Exception as error:  # a bug, or no memory: the others are not lost by it
                self.failed.append(path.name)
                _log.exception("not foreseen")
                complain(f"{path}: it failed in a way that was not foreseen ({error!r}); please report it")
        if self.joint and self.tables:
            from src_models.labels.measurements.table import joined

            self._write(self.output, joined(self.tables))
        if len(paths) > 1:
            failed = f"; {len(self.failed)} failed ({some(self.failed)})" if self.failed else ""
            done, seconds = len(paths) - len(self.failed), time.perf_counter() - begun
            self.console.say(f"{done} of {len(paths)} labels measured into {self.output} in {seconds:.0f} s{failed}")

    def _one(self, path: Path) -> None:
        from src_models.measuring.measured_file import measure_file_steps, with_classes
        from src_models.progress import finish

        image = None if self.image is None else image_of(self.image, path)
        with self.console.bar(path.name) as report:
            steps = measure_file_steps(path, image, axes=self.axes, series=self.series, names=self.names)
            found = finish(steps, report)
        self.console.say(f"{path}: {found.read_as}" + ("" if image is None else f", on {image}"))
        self.console.notes(found.notes)
        self.console.say(f"  {len(found.table):,} {'row' if len(found.table) == 1 else 'rows'}")
        table = found.table if self.classes is None else with_classes(found.table, self.classes, _stem(path))
        table = table.with_first("file", [str(path)] * len(table))
        if self.joint:
            self.tables.append(table)
        else:
            self._write(self.output / table_name(path), table)

    def _write(self, path: Path, table: Measurements) -> None:
        from src_models.labels.measurements.table import write_table

        write_table(path, table, overwrite=self.overwrite)
        self.console.say(f"  -> {path}")
