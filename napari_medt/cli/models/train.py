"""``napari-medt train``: a new model from a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from napari_medt.cli import options
from napari_medt.cli.models.asked_training import AskedTraining
from napari_medt.cli.models.network_options import (
    architecture_help,
    network_chosen,
    refuse_options_of_others,
    was_given,
    with_network_options,
)
from napari_medt.cli.models.train_on_classes import suited, train_on_classes
from napari_medt.cli.models.train_on_masks import train_on_masks
from napari_medt.cli.options import (
    Devices,
    Licence,
    ModelFile,
    ModelName,
    Overwrite,
    Purpose,
    Seed,
)
from src_models.errors import UserError

__all__ = ["train"]

Nodes = Annotated[
    int,
    typer.Option(
        "--num-nodes",
        metavar="N",
        min=1,
        help="Machines that train together, each with --devices; give the command on each of them.",
        rich_help_panel=options.RUNNING,
    ),
]
RECIPE = "the architecture's recipe"
SEGMENTS = "attention-unet"


def _learning(metavar: str, text: str) -> Any:
    """Return an option of how a network is trained, whose default is the architecture's."""
    return typer.Option(metavar=metavar, help=text, show_default=RECIPE, rich_help_panel=options.LEARNING)


@with_network_options(before="steps")
def train(
    context: typer.Context,
    dataset: Annotated[
        Path,
        typer.Argument(
            metavar="DATASET",
            help="Folder with images/, masks/ (equal names) and perhaps manifest.csv; or pictures in a folder for each "
            "class, boxes.csv beside images/, or FILE.npz with train_images and train_labels.",
        ),
    ],
    output: ModelFile,
    architecture: Annotated[
        str, typer.Option(metavar="NAME", help=architecture_help(), rich_help_panel=options.NETWORK)
    ] = SEGMENTS,
    instances: Annotated[
        bool, typer.Option("--instances/--classes", help="Masks number objects, or hold classes.")
    ] = True,
    separation: Annotated[
        str, typer.Option(metavar="WAY", help="What tells objects that touch apart: flows, distance or boundary.")
    ] = "boundary",
    class_names: Annotated[
        str, typer.Option(metavar="NAMES", help="Names of classes 1, 2, ..., separated by commas.")
    ] = "",
    pieces: Annotated[
        str,
        typer.Option(
            metavar="CLASS[:N],...",
            help="How many pieces classes have in a volume, such as 'liver,lungs:2'; the largest are kept.",
        ),
    ] = "",
    name: ModelName = "",
    purpose: Purpose = "",
    licence: Licence = "unknown",
    start: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            help="Begin with the network and weights of this model, whatever it finds: a name, or a path ending in "
            ".safetensors.",
            autocompletion=options.complete_model,
        ),
    ] = "",
    encoder_weights: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.pth",
            help="Begin EfficientNet-Lite0 or a ResNet, alone or in a network, with these published weights.",
            rich_help_panel=options.NETWORK,
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    overwrite: Overwrite = False,
    augment: Annotated[
        str,
        typer.Option(
            metavar="RECIPE",
            help="How images are varied: microscopy, ct, ct-sided, mr, light, flip or none.",
            rich_help_panel=options.IMAGES,
        ),
    ] = "",
    intensity: Annotated[
        str,
        typer.Option(
            metavar="KIND:LOW:HIGH",
            help="Normalisation: percentile:0.5:99.8, zscore:0.5:99.5 or window:LOW:HIGH (HU).",
            rich_help_panel=options.IMAGES,
        ),
    ] = "percentile:0.5:99.8",
    channels: options.Channels = None,
    spacing: Annotated[
        str,
        typer.Option(
            metavar="Y,X|Z,Y,X",
            help="Size of a pixel, or voxel, at which the network sees images: those that know theirs are resampled.",
            rich_help_panel=options.IMAGES,
        ),
    ] = "",
    unit: Annotated[
        str, typer.Option(metavar="UNIT", help="Unit of --spacing, such as mm or µm.", rich_help_panel=options.IMAGES)
    ] = "mm",
    slices: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Of volumes, train a 2D network on slices: each with its neighbours, so many together (1, 3, 5).",
            rich_help_panel=options.IMAGES,
        ),
    ] = None,
    drawn: options.Drawn = None,
    steps: Annotated[int | None, _learning("N", "Training steps.")] = None,
    batch: Annotated[int | None, _learning("N", "Patches per step.")] = None,
    patch: Annotated[int | None, _learning("PX", "Patch size in pixels; axial networks get this window.")] = None,
    optimizer: Annotated[str, _learning("NAME", "adamw or adam.")] = "",
    learning_rate: Annotated[float | None, _learning("RATE", "Peak learning rate.")] = None,
    weight_decay: Annotated[float | None, _learning("RATE", "Weight decay.")] = None,
    schedule: Annotated[str, _learning("NAME", "Learning rate: cosine or constant.")] = "",
    loss: Annotated[str, _learning("NAME", "dice-ce or ce.")] = "",
    balance: Annotated[
        str,
        _learning(
            "WAY", "Patches: of each class equally often (classes), anywhere (none), or classes in volumes (auto)."
        ),
    ] = "",
    gates_from: Annotated[
        int | None, _learning("STEP", "Step from which gates of axial attention are trained.")
    ] = None,
    label_smoothing: Annotated[
        float | None, _learning("SHARE", "Of classes of pictures: how much of each answer is spread over all.")
    ] = None,
    class_weights: Annotated[
        str, _learning("none|balanced", "Of classes of pictures: balanced counts rare ones as much as frequent ones.")
    ] = "",
    average: Annotated[
        float | None,
        _learning("SHARE", "Of classes of pictures: keep the mean of the weights, this much of it at each step."),
    ] = None,
    validate_every: Annotated[int | None, _learning("N", "Steps between validations.")] = None,
    seed: Seed = 0,
    device: Annotated[str, options.DEVICE] = "auto",
    devices: Devices = 1,
    num_nodes: Nodes = 1,
    precision: Annotated[
        str,
        typer.Option(metavar="NAME", help="32-true, bf16-mixed or 16-mixed.", rich_help_panel=options.RUNNING),
    ] = "32-true",
    workers: Annotated[
        int,
        typer.Option(
            metavar="N", help="Processes that prepare patches; for 0 a thread does.", rich_help_panel=options.RUNNING
        ),
    ] = 0,
    **of_network: Any,
) -> None:
    """Train a network on your own images.

    What the data set holds is found out: masks, from which a network learns to segment, or a class for each picture.
    Four files lie beside each other afterwards: the best model (NAME.safetensors), the last one, the state to resume
    from, and a log of loss and validation scores.
    """
    from src_models.computing.devices import check_device
    from src_models.disk.atomic import check_new
    from src_models.images.channels import parse_channels
    from src_models.images.spacing import parse_spacing
    from src_models.models.architectures import find_architecture
    from src_models.models.header import SEPARATIONS

    first = options.check_model(start, device) if start else None
    known = None if network_chosen(context) else first
    architecture = suited(context, dataset, architecture if known is None else known.architecture)
    if known is not None and known.architecture != architecture:  # the data set teaches what it does not tell
        known = None
    refuse_options_of_others(context, architecture)
    record = find_architecture(architecture)
    as_known = known is not None and not was_given(context, "intensity")
    scale = known.intensity if known is not None and as_known else options.parse_intensity(intensity)
    if known is not None and known.result == "instances" and not was_given(context, "separation"):
        separation = known.instances.separation
    check_device(device)
    if not resume:
        check_new(output, overwrite=overwrite)
    chosen = {
        "steps": steps,
        "batch": batch,
        "patch": record.window(known.config) if known is not None and patch is None else patch,
        "optimizer": _choice(optimizer, ("adamw", "adam"), "--optimizer"),
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "schedule": _choice(schedule, ("cosine", "constant"), "--schedule"),
        "loss": _choice(loss, ("dice-ce", "ce"), "--loss"),
        "gates_from": gates_from,
        "augment": _choice(augment, ("microscopy", "ct", "ct-sided", "mr", "light", "flip", "none"), "--augment"),
        "balance": _choice(balance, ("auto", "classes", "none"), "--balance"),
        "validate_every": validate_every,
        "label_smoothing": label_smoothing,
        "average": average,
        "class_weights": _choice(class_weights, ("none", "balanced"), "--class-weights"),
    }
    running = {"seed": seed, "device": device, "devices": devices, "nodes": num_nodes}
    running |= {"precision": precision, "workers": workers}
    asked = AskedTraining(
        dataset=dataset,
        output=output,
        architecture=architecture,
        of_network=of_network,
        settings={**{option: value for option, value in chosen.items() if value is not None}, **running},
        about={"name": name or output.stem, "purpose": purpose, "intensity": scale, "licence": licence},
        class_names=tuple(part.strip() for part in class_names.split(",") if part.strip()),
        channels=None if channels is None else parse_channels(channels),
        start=start,
        known=known,
        encoder_weights=encoder_weights,
        resume=resume,
        overwrite=overwrite,
    )
    at = parse_spacing(spacing, unit)
    if record.task == "classification":
        if at or slices is not None:
            raise UserError("--spacing and --slices are for networks that segment, and this one tells classes")
        train_on_classes(asked)
        return
    train_on_masks(
        asked,
        instances=instances,
        pieces=pieces,
        drawn=drawn,
        slices=slices,
        separation=_choice(separation, SEPARATIONS, "--separation"),
        spacing=at,
        unit=unit,
    )


def _choice(value: str, allowed: tuple[str, ...], option: str) -> Any:
    """Return a choice, None where none was made."""
    if not value:
        return None
    if value not in allowed:
        raise UserError(f"{option} {value!r} is not one of {', '.join(allowed)}")
    return value
