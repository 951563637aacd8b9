"""What a person must know who runs a model in another program, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from src_models.models.architectures import find_architecture
from src_models.models.citations import citation_lines, citations_of
from src_models.models.header import ModelHeader

if TYPE_CHECKING:
    from src_models.exporting.traced import Graph

__all__ = ["documentation"]

_SEPARATIONS = {
    "boundary": "The softmax of the three channels gives the probabilities of background, interior and boundary. "
    "Markers are where the interior's is above {seed:g}; a watershed from them over what is above {foreground:g} gives "
    "the objects.",
    "distance": "The softmax of the first two channels gives the probability of being an object; the third is the "
    "distance to the object's edge as a share of the largest in it. A watershed from the peaks of the distance, which "
    "are told apart where the saddle between them is lower by {depth:g}, over what is above {foreground:g} gives the "
    "objects.",
    "flows": "The softmax of the first two channels gives the probability of being an object; the others are a vector "
    "that points away from the object's edge. Pixels above {foreground:g} that come to one place when they follow it "
    "are one object.",
}


def documentation(header: ModelHeader, graph: Graph) -> str:
    """Return the documentation of a package."""
    record = find_architecture(header.architecture)
    sides = " x ".join(map(str, graph.size))
    sizes = f"Images are of {sides} px." if graph.step is None else f"Sides of images are multiples of {graph.step} px."
    diameter = header.object_diameter
    known = f" The network is at its best with objects of about {diameter:g} px across." if diameter else ""
    spacing = (
        f" It learnt at {' x '.join(f'{one:g}' for one in header.spacing)} {header.unit or ''}."
        if header.spacing
        else ""
    )
    if header.image_zoom != 1:
        spacing = f" It learnt from images resized {header.image_zoom:g} times: resize others alike."
    cited = "\n".join(f"* {line}" for line in citation_lines(citations_of(header))) or "* not told by the model's file"
    return f"""# {header.name}

{header.purpose or "A model of napari-medt"}

Made with napari-medt. Network: {record.line} ({record.paper}).

## Input

{sizes} Channels, in order: {", ".join([*header.channels, *header.prompts])}.{known}{spacing}
{_grey(header)}

## Output

Logits of {", ".join([*header.classes, *header.fields])}. {_after(header)}

## Validation

What the file of the model tells of its training: {_trained(header)}. Look at results on images of your own before you
rely on them. Not a medical device.

## Data

{cited}
"""


def _grey(header: ModelHeader) -> str:
    low, high = header.intensity.low, header.intensity.high
    words = {
        "percentile": f"Grey values are scaled: the percentiles {low:g} and {high:g} of the image become 0 and 1.",
        "zscore": f"Grey values are clipped to the percentiles {low:g} and {high:g}, then have mean 0 and deviation 1.",
        "window": f"Grey values from {low:g} to {high:g} become 0 to 1.",
        "signed-window": f"Grey values from {low:g} to {high:g} become -1 to 1.",
    }[header.intensity.kind]
    specks = " napari-medt leaves out specks that are far brighter or darker than all else; here they count."
    return words + (specks if header.intensity.kind in ("percentile", "zscore") else "")


def _after(header: ModelHeader) -> str:
    if header.result == "class":
        return "Their softmax gives the probability of each class for the whole image."
    if header.result == "semantic":
        return "The largest of them is the class of the pixel."
    settings = header.instances
    told = _SEPARATIONS[settings.separation].format(
        seed=settings.seed, foreground=settings.foreground, depth=settings.depth
    )
    return f"{told} Objects of fewer than {settings.min_size} pixels are dropped."


def _trained(header: ModelHeader) -> str:
    known = ("data", "step", "train_images", "val_images", "validation_dice", "validation_score", "best_by")
    told = [f"{name.replace('_', ' ')} {header.training[name]}" for name in known if name in header.training]
    return "; ".join(told)[:600] or "nothing"
