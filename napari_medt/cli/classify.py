"""``napari-medt classify``: what images show, tiles of them, or the objects in them."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_medt.cli import options
from napari_medt.cli.console import Console, complain
from napari_medt.cli.options import Axes, Channels, Device, GreyValues, Overwrite, SeriesOrAll, Uneven, UnevenName
from napari_medt.cli.segment_batch import Batch, choose, some
from napari_medt.cli.why import Why, why_of
from src_models.errors import OutputError, UserError
from src_models.models.library import only_classifier

if TYPE_CHECKING:
    from src_models.classifying.class_probabilities import Classified
    from src_models.classifying.class_table import ClassifiedFile
    from src_models.files.image_list import OneImage
    from src_models.models.checkpoint import Model as LoadedModel
    from src_models.prediction.to_file import Results

__all__ = ["classify"]

_log = logging.getLogger(__name__)

TABLE = ".csv"


def classify(
    images: Annotated[
        list[Path],
        typer.Argument(
            metavar="IMAGE",
            help="Images of any kind that `segment` reads, folders of them, and quoted patterns, mixed as you like.",
        ),
    ],
    model: Annotated[str | None, options.MODEL] = None,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER|FILE.csv",
            help="Folder for a table of each image, or one table of all; made if it is missing.",
        ),
    ] = Path("results"),
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER|FILE",
            help="Tell the class of each object in these labels; in a folder, NAME_labels.* as `segment` writes them.",
        ),
    ] = None,
    tiles: Annotated[
        int | None,
        typer.Option(metavar="PX", min=0, help="Tell the class of each tile of this size; 0 for the model's own."),
    ] = None,
    zoom: Annotated[
        float,
        typer.Option(
            metavar="F",
            help="Enlarge the image by this factor before objects are looked at, where these are smaller than those "
            "that the model was taught.",
            rich_help_panel=options.OBJECTS,
        ),
    ] = 1.0,
    why: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write there which places speak for the class of each object, tile or plane, as TIFF.",
            rich_help_panel=options.RESULTS,
        ),
    ] = None,
    maps: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,NAME|all",
            help="Write to --why these attention maps, too, such as 'fusion 2 earlier' or 'layer 1 received'.",
            rich_help_panel=options.RESULTS,
        ),
    ] = None,
    place: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="Y,X|middle",
            help="Write to --why where attention looks from this pixel, or from the middle of each object.",
            rich_help_panel=options.RESULTS,
        ),
    ] = None,
    layer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="With --from: this layer alone, such as 'large window 1.1' or 'layer 1'. Repeatable.",
            rich_help_panel=options.RESULTS,
        ),
    ] = None,
    head: Annotated[
        str | None,
        typer.Option(
            metavar="N|mean|each",
            help="With --from: one head of the layers (from 0), their mean, or a map of each; the mean unless given.",
            rich_help_panel=options.RESULTS,
        ),
    ] = None,
    skip_existing: Annotated[
        bool,
        typer.Option("--skip-existing", help="Pass over images whose tables are there, to go on with a batch."),
    ] = False,
    overwrite: Overwrite = False,
    axes: Axes = None,
    channels: Channels = None,
    grey_range: GreyValues = None,
    series: SeriesOrAll = None,
    uneven: Uneven = "refuse",
    batch: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Pictures that go through the network at a time; what suits the device unless given.",
            rich_help_panel=options.RUNNING,
        ),
    ] = None,
    device: Device = "auto",
) -> None:
    """Tell which class images show, tiles of them (--tiles), or the objects in them (--labels).

    The table NAME_classes.csv has a row for each object, tile or plane: the image, the object's number, its middle in
    pixels, the likeliest class, its probability, and those of all classes. NAME_classes.json beside it says by which
    model, settings and versions it was made. An object is looked at with what surrounds it, in the plane in which most
    of it is. With --why, maps say which places speak for each class that was told; with --from, where attention looks.

    An image whose table exists is left alone and the others are done. The exit status is 0 if all were done, or passed
    over as asked for with --skip-existing, and else 1.
    """
    joint = output.suffix.lower() == TABLE
    _check_together(
        {"--labels": labels is not None, "--tiles": tiles is not None},
        {"--skip-existing (leave tables that are there)": skip_existing, "--overwrite (replace them)": overwrite},
        {"--skip-existing": skip_existing, f"one table of all images ({output})": joint},
    )
    options.check_results_folder(output)
    model = model or only_classifier()
    header = options.check_model(model, device)
    options.check_files(labels)
    from src_models.classifying.class_table import check_class_record
    from src_models.disk.atomic import check_writable
    from src_models.files.image_list import each_image, list_images
    from src_models.images.channels import parse_channels
    from src_models.images.grey.grey_range import GreyRange
    from src_models.prediction.batches.choosing import check_names

    if header.use != "classify":
        raise UserError(
            f"the model {header.name!r} does not tell classes: use `napari-medt {header.use}`, or another model"
        )
    kind = "objects" if labels is not None else "tiles" if tiles is not None else "image"
    reasons = why_of(header, why, kind=kind, maps=maps, place=place, layers=layer, head=head)
    if channels is not None:
        parse_channels(channels)
    grey = GreyRange.of(grey_range)
    listed = list_images(images)
    found = each_image(listed.images, series)
    if joint:
        options.check_outputs(output, overwrite=overwrite)
        check_class_record(output, overwrite=overwrite)
        if reasons is not None:
            check_names(found)
            for image in found if not overwrite else ():
                reasons.check(image.name)
        chosen = Batch(len(found), found, verb="classified")
    else:
        tables = _Tables(output, reasons, go_on=skip_existing)
        chosen = choose(found, tables, skip_existing=skip_existing, overwrite=overwrite, verb="classified")
        if chosen.chosen:
            check_writable(output)
    console = Console()
    settings = {"zoom": zoom, "grey_range": grey, "device": device, "batch": batch, "tiles": _tiles(tiles)}
    if chosen.chosen:
        run = _Run(
            console,
            _load(model),
            output,
            joint,
            labels,
            axes,
            channels,
            uneven,
            overwrite,
            settings,
            reasons,
            skip_existing,
        )
        run.all(chosen)
    if chosen.total > 1 or chosen.skipped:
        console.say(chosen.summary(output))
    if chosen.done + chosen.skipped < chosen.total:
        raise typer.Exit(1)


def _check_together(*pairs: dict[str, bool]) -> None:
    """Refuse what excludes each other."""
    for pair in pairs:
        if all(pair.values()):
            raise UserError(f"{' and '.join(pair)} exclude each other: give one of them")


def _tiles(size: int | None) -> int | bool:
    return False if size is None else size or True


def _load(model: str) -> LoadedModel:
    from src_models.models.checkpoint import load

    return load(model)


@dataclass(frozen=True, slots=True)
class _Tables:
    """Where the table of each image goes, and maps of why; `go_on` is to do what of both is missing."""

    output: Path
    why: Why | None
    go_on: bool

    def results(self, image: OneImage) -> Results:
        from src_models.classifying.class_table import class_table_path
        from src_models.prediction.to_file import Results

        if self.go_on and self.why is not None and not self.why.there(image.name):
            return Results(())
        return Results((class_table_path(self.output, image.name),))

    def check(self, image: OneImage, *, overwrite: bool) -> None:
        from src_models.classifying.class_table import check_class_record, class_table_path

        table = class_table_path(self.output, image.name)
        if not (self.go_on and table.exists()):
            check_class_record(table, overwrite=overwrite)
        if self.why is not None and not overwrite and not self.go_on:
            self.why.check(image.name)


@dataclass(slots=True)
class _Run:
    """What a person asked for, for all images, and what was found so far."""

    console: Console
    model: LoadedModel
    output: Path
    joint: bool
    labels: Path | None
    axes: str | None
    channels: str | None
    uneven: UnevenName
    overwrite: bool
    settings: dict[str, Any]
    why: Why | None = None
    go_on: bool = False
    rows: list[list[object]] = field(default_factory=list)
    files: list[ClassifiedFile] = field(default_factory=list)

    def all(self, batch: Batch) -> None:
        """Classify one image after the other; one that fails does not stop those after it."""
        begun = time.perf_counter()
        for image in batch.chosen:
            try:
                if image.error is not None:
                    raise image.error
                self._one(image)
            except OutputError:
                raise  # the images after it would fail in the same way
            except UserError as error:
                batch.failed.append(image.title)
                complain(str(error) if str(image.path) in str(error) else f"{image.title}: {error}")
            except Exception as error:  # a bug, or no memory: a night's work on the other images is not lost by it
                batch.failed.append(image.title)
                _log.exception("not foreseen")
                complain(f"{image.title}: it failed in a way that was not foreseen ({error!r}); please report it")
            else:
                batch.done += 1
        if self.joint and self.files:
            self._write(self.output, self.rows, self.files, begun)

    def _one(self, one: OneImage) -> None:
        from src_models.classifying.class_table import ClassifiedFile, class_table_path, rows_of
        from src_models.classifying.classify import classify as run

        begun = time.perf_counter()
        series = None if one.series is None else one.series.number
        image = options.open_image(one.path, self.axes, self.channels, self.uneven, series)
        self.console.say(f"{image.title}: {image.reading.describe()}")
        self.console.notes(image.notes)
        path = None if self.labels is None else labels_of(self.labels, image.name)
        objects = None if path is None else _read(path, image.reading)
        with self.console.bar(image.name) as report:
            found = run(
                image.data,
                self.model,
                labels=objects,
                axes=image.reading,
                name=image.title,
                on_progress=report,
                **self.settings,
            )
        self._say(found)
        if self.why is not None:
            # Maps without a table are those of a run that was stopped: these are made anew where it goes on.
            anew = self.overwrite or self.go_on
            self.why.write(self.console, image, self.model, found, self.settings["grey_range"], overwrite=anew)
        rows = rows_of(found, image.title, image.reading.axes.replace("C", ""))
        file = ClassifiedFile(image, found, path)
        if self.joint:
            self.rows += rows
            self.files.append(file)
        elif self.go_on and class_table_path(self.output, one.name).exists():
            self.console.say("  its table was there and stays as it is")
        else:
            self._write(class_table_path(self.output, one.name), rows, [file], begun)

    def _say(self, found: Classified) -> None:
        self.console.say(f"  {found.summary}")
        for line in found.notes:
            self.console.say(f"  {line}", style="yellow")

    def _write(self, table: Path, rows: list[list[object]], files: list[ClassifiedFile], begun: float) -> None:
        from src_models.classifying.class_table import write_class_record, write_class_table

        seconds = time.perf_counter() - begun
        write_class_table(table, self.model.header.classes, rows, overwrite=self.overwrite)
        write_class_record(table, files, seconds=seconds, overwrite=self.overwrite)
        self.console.say(f"  -> {table}")


def labels_of(place: Path, name: str) -> Path:
    """Return the labels of an image: the file itself, or in a folder what is called as `segment` calls it, or as it.

    Raises
    ------
    ImageError
        If there are none, or several.
    """
    from src_models.errors import ImageError
    from src_models.files.images import image_stem, looks_like_image

    if not place.is_dir() or looks_like_image(place):
        return place
    there = sorted(path for path in place.iterdir() if not path.name.startswith(".") and path.suffix != ".json")
    for wanted in (f"{name}_labels", name):
        found = [path for path in there if image_stem(path) == wanted and looks_like_image(path)]
        if len(found) > 1:
            raise ImageError(f"{name}: several labels could be its ({some([str(path) for path in found])}); keep one")
        if found:
            return found[0]
    raise ImageError(f"{place}: there are no labels of {name} (NAME_labels.tif, or of the image's own name)")


def _read(path: Path, reading: Any) -> Any:
    from src_models.files.images import read_label_file

    return read_label_file(path, like=reading).data
