"""``napari-medt correct-classes``: put classes that a person gave to objects into a set that a model learns from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_medt.cli import options
from napari_medt.cli.console import Console
from napari_medt.cli.options import Axes, Channels, Image, Series, Uneven
from src_models.errors import UserError
from src_models.models.library import only_classifier

__all__ = ["correct_classes"]


def correct_classes(
    image: Image,
    table: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE.csv",
            help="The table that `classify` wrote, its column class mended; or one with the columns id, y, x, class.",
        ),
    ],
    folder: Annotated[
        Path, typer.Option("--set", "-o", metavar="FOLDER", help="The set of given classes; made if it is missing.")
    ],
    model: Annotated[str | None, options.MODEL] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All rows are right as they stand, also those that were not changed.")
    ] = False,
    zoom: Annotated[float, typer.Option(metavar="F", help="As it was for `classify`.")] = 1.0,
    by: Annotated[str, typer.Option(metavar="NAME", help="Who gave the classes; kept as a note.")] = "",
    axes: Axes = None,
    series: Series = None,
    channels: Channels = None,
    uneven: Uneven = "refuse",
) -> None:
    """Keep the classes that a person gave to objects, so that a model can learn from them (napari-medt finetune).

    Each object is cut out as the model looks at it. The set is a folder for each class with a manifest.csv, which other
    tools can train on. About every fourth object is held out to judge by. An object that is given another class later
    takes the earlier one's place; nothing is deleted.
    """
    from src_models.classifying.class_corrections import ClassCorrectionSet, give_classes
    from src_models.classifying.class_table import read_class_table
    from src_models.corrections.correction import Source

    model = model or only_classifier()
    header = options.check_model(model)
    if header.use != "classify":
        raise UserError(f"the model {header.name!r} does not tell classes: choose one that does (`napari-medt models`)")
    options.check_files(image, table)
    kept = ClassCorrectionSet.open(folder)
    source = options.open_image(image, axes, channels, uneven, series)
    console = Console()
    console.say(f"{source.title}: {source.reading.describe()}")
    flat = source.reading.axes.replace("C", "")
    told = read_class_table(table, source.title, flat)
    chosen = {number: told.classes[number] for number in (told.classes if everything else told.changed)}
    if not chosen:
        console.say("  no class differs from what was found; --all keeps them as they are")
        return
    spacing = (source.reading.spacing.get("Y", 1.0), source.reading.spacing.get("X", 1.0))
    given = give_classes(
        source.data,
        told.found,
        chosen,
        header,
        Source(
            layer=source.name,
            file=str(source.path.resolve()),
            axes="".join(letter for letter in flat if letter not in "YX") + "YX",
            spacing=spacing,
            unit=source.reading.unit,
            series=source.apart,
            modality=source.reading.modality,
            padding=source.reading.padding,
        ),
        axes=source.reading,
        zoom=zoom,
        by=by or None,
        name=source.title,
    )
    added = kept.add(given)
    new = sorted(set(chosen.values()) - set(header.classes))
    console.say(f"  {len(added)} of {len(chosen)} objects added; the others were here with the same class")
    if new:
        console.say(f"  new to the model: {', '.join(new)}", style="yellow")
    console.say(f"{folder} holds {len(kept)} pictures: {', '.join(f'{n} {name}' for name, n in kept.counts.items())}")
