"""A package whose weights are those of a paper's own code, as the network that we have of that paper.

Such a network shows its attention and can learn, which an ONNX graph does not. Its weights are read as plain tensors;
the code that a package names as its architecture is never run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from src_models.errors import ModelFileError
from src_models.models.header import ModelHeader
from src_models.models.packages.description import Package, open_package
from src_models.models.packages.importing import channels_of, names_of, training_of
from src_models.models.packages.preparation import preparation_of
from src_models.models.packages.sides import sides_of

if TYPE_CHECKING:
    from src_models.models.checkpoint import Model
    from src_models.models.official import OfficialNetwork

__all__ = ["load_known_network"]


def load_known_network(path: Path, classes: Sequence[str] = ()) -> Model | None:
    """Load a package as one of our networks; None where its weights are of none, or need what only a graph can hold.

    Parameters
    ----------
    path
        The zip or folder.
    classes
        Names of the classes, the background first, where a person gives them.

    Raises
    ------
    ModelFileError
        If the package is damaged, or the names do not fit.
    """
    from src_models.models.checkpoint import Model
    from src_models.models.official import with_background

    package = open_package(path)
    found = _official(package)
    if found is None:
        return None
    (image,), (output,) = package.described.inputs, package.described.outputs
    if len(names_of(output)) != found.config["classes"]:
        return None
    sides, channels = sides_of(image, output), channels_of(image)
    intensity, steps = preparation_of(image.preprocessing, sides.input_axes, len(channels))
    after = [operation.id for operation in output.postprocessing if operation.id not in ("ensure_dtype", "softmax")]
    by_itself = after in ([], ["sigmoid"] if len(names_of(output)) == 1 else [])  # one is told from the background
    if steps or not by_itself or intensity.kind == "unscaled" or len(channels) != found.config["in_channels"]:
        return None
    found = with_background(found)
    names = tuple(classes) or names_of(output)
    names = names if len(names) == found.config["classes"] else ("background", *names)
    header = ModelHeader(
        name=str(package.described.name),
        purpose=str(package.described.description or package.described.name),
        architecture=found.architecture,
        config=found.config,
        classes=names,
        channels=channels,
        dimensions=sides.dimensions,
        intensity=intensity,
        tile=sides.tile,
        overlap=sides.overlap,
        licence=str(package.described.license or "unknown"),
        training={**training_of(package), "source": found.source},
    )
    return Model(found.network, header)


def _official(package: Package) -> OfficialNetwork | None:
    from src_models.models.official import load_official

    weights = package.described.weights.pytorch_state_dict
    if weights is None or len(package.described.inputs) != 1 or len(package.described.outputs) != 1:
        return None
    with TemporaryDirectory() as scratch:
        file = Path(scratch) / "weights.pth"
        file.write_bytes(package.read(weights))
        try:
            return load_official(file)
        except ModelFileError:  # of another network than the papers', as most are
            return None
