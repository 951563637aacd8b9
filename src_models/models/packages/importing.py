"""A package of the BioImage Model Zoo as a model: its ONNX graph with a header that says what its description says."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from src_models.errors import ModelFileError
from src_models.models.header import METADATA_KEY, RGB, Intensity, ModelHeader
from src_models.models.packages.architecture import ONNX_GRAPH
from src_models.models.packages.description import Package, open_package
from src_models.models.packages.graph import GraphFacts, graph_facts
from src_models.models.packages.meaning import Activation, Meant, meaning_of
from src_models.models.packages.preparation import fixed_step, preparation_of
from src_models.models.packages.sides import Sides, sides_of

if TYPE_CHECKING:
    from src_models.models.checkpoint import Model

__all__ = ["channels_of", "load_package", "names_of", "package_header", "training_of"]

_PROGRAMS = "which could run code of their own and are not opened"


def package_header(path: Path, classes: Sequence[str] = ()) -> ModelHeader:
    """Read the header that a package has as a model; see :func:`load_package`, which loads it."""
    return _read(path, classes)[0]


def load_package(path: Path, classes: Sequence[str] = ()) -> Model:
    """Load a package as a model, ready to predict.

    Parameters
    ----------
    path
        The zip or folder.
    classes
        What a person says of its output's channels, where the description does not.

    Raises
    ------
    ModelFileError
        If it is missing or damaged, is no network with one input that segments, or its description does not say enough.
    UserError
        If a package is missing that reads or runs it.
    """
    import torch

    from src_models.models.architectures import create
    from src_models.models.checkpoint import Model

    header, graph = _read(path, classes)
    network = create(header.architecture, **header.config)
    network.load_state_dict({"graph": torch.frombuffer(bytearray(graph), dtype=torch.uint8)})
    sha256 = hashlib.sha256(graph if path.is_dir() else path.read_bytes()).hexdigest()
    return Model(network.eval(), header, sha256, path.resolve())


def _read(path: Path, classes: Sequence[str]) -> tuple[ModelHeader, bytes]:
    package = open_package(path)
    try:
        return _of(package, classes)
    except ModelFileError as error:
        text = str(error)
        raise error if text.startswith(str(package.path)) else ModelFileError(f"{package.path}: {text}") from error


def _of(package: Package, classes: Sequence[str]) -> tuple[ModelHeader, bytes]:
    image, output, weights = _parts(package.described)
    sides = sides_of(image, output)
    graph = package.read(weights)
    facts = graph_facts(graph)
    channels = channels_of(image)
    intensity, before = preparation_of(image.preprocessing, sides.input_axes, len(channels))
    after, activation = _after(output, facts.activation)
    own = _own_header(facts, names_of(output), after)
    if own is not None and not classes:
        # It was exported from here: its header tells how objects are told apart, for which the format has no words.
        meant = Meant("logits", (), (*own.classes, *own.fields), own.result)
        intensity, before = own.intensity, []
    else:
        own = None
        if activation == "none":
            activation = _by_its_test(package, output)
        meant = meaning_of(names_of(output), activation, classes)
    header = _header(package, sides, channels, intensity, meant, own)
    config = {
        "in_channels": len(channels),
        "classes": header.outputs,
        "dimensions": sides.dimensions,
        "graph_bytes": len(graph),
        "least": list(sides.least),
        "step": list(sides.step),
        "margin": list(sides.margin),
        "tied": sides.tied,
        "input_axes": sides.input_axes,
        "output_axes": sides.output_axes,
        "before": before,
        "after": after,
        "meaning": meant.meaning,
        "order": list(meant.order),
    }
    return replace(header, config=config), graph


def _parts(described: Any) -> tuple[Any, Any, Any]:
    """Return the one input, the one output and the ONNX weights of a model."""
    if len(described.inputs) != 1 or len(described.outputs) != 1:
        raise ModelFileError(
            f"it has {len(described.inputs)} inputs and {len(described.outputs)} outputs; networks with one of each "
            "are taken"
        )
    weights = described.weights.onnx
    if weights is None:
        forms = [name for name in type(described.weights).model_fields if getattr(described.weights, name) is not None]
        raise ModelFileError(
            f"its weights are {', '.join(forms)}, {_PROGRAMS}; ask its makers for weights as ONNX, or add them with "
            "bioimageio.core, which converts them"
        )
    if getattr(weights, "external_data", None) is not None:
        raise ModelFileError("its ONNX weights lie in two files; save them in one (onnx.save does)")
    return described.inputs[0], described.outputs[0], weights


def channels_of(image: Any) -> tuple[str, ...]:
    """Return the names of an input's channels, as headers have them."""
    axis = next((axis for axis in image.axes if axis.type == "channel"), None)
    if axis is None:
        return ("grey",)
    names = tuple(str(name) for name in axis.channel_names)
    if len(names) == 3 and all(name.lower() in (full, full[0]) for name, full in zip(names, RGB, strict=True)):
        return RGB
    return names if len(names) > 1 else ("grey",)


def names_of(output: Any) -> tuple[str, ...]:
    """Return the names of an output's channels; its own where it has none."""
    axis = next((axis for axis in output.axes if axis.type == "channel"), None)
    return tuple(str(name) for name in axis.channel_names) if axis is not None else (str(output.id),)


def training_of(package: Package) -> dict[str, str]:
    """Return what a header says of how a model came to be that came in a package."""
    cited = (f"{one.text} {one.doi or one.url or ''}".strip() for one in package.described.cite)
    return {
        "imported_from": package.path.name,
        "authors": ", ".join(str(author.name) for author in package.described.authors),
        "cited": "; ".join(cited),
    }


def _after(output: Any, activation: Activation) -> tuple[list[list[Any]], Activation]:
    """Return the steps on an output, and what its values are then."""
    steps = []
    for operation in output.postprocessing:
        step = fixed_step(operation)
        if step is None:
            raise ModelFileError(f"its output wants the operation {operation.id}, which is not known here")
        if not step:
            continue
        steps.append(step)
        activation = {"sigmoid": "sigmoid", "binarize": "sigmoid", "softmax": "softmax"}.get(step[0], "none")  # type: ignore[assignment]
    return steps, activation


def _by_its_test(package: Package, output: Any) -> Activation:
    """Tell by the output that a package shows as an example whether it is probabilities."""
    if output.test_tensor is None:
        return "none"
    try:
        values = np.load(io.BytesIO(package.read(output.test_tensor)), allow_pickle=False)
    except ValueError:
        return "none"
    if values.min() < 0 or values.max() > 1 or values.min() == values.max():
        return "none"
    place = next((place for place, axis in enumerate(output.axes) if axis.type == "channel"), None)
    sums = values.sum(axis=place) if place is not None and values.shape[place] > 1 else np.zeros(1)
    return "softmax" if np.allclose(sums, 1, atol=1e-3) else "sigmoid"


def _own_header(facts: GraphFacts, names: Sequence[str], after: Sequence[Any]) -> ModelHeader | None:
    """Return the header that this package's exporter puts into graphs, where the graph was made by it."""
    if METADATA_KEY not in facts.notes or after:
        return None
    own = ModelHeader.from_json(facts.notes[METADATA_KEY])
    if own.use != "segment":
        raise ModelFileError(
            "it was exported by napari-medt from a model that does not segment by itself; open its model file "
            "(.safetensors) instead"
        )
    return own if own.outputs == len(names) else None


def _header(
    package: Package,
    sides: Sides,
    channels: tuple[str, ...],
    intensity: Intensity,
    meant: Meant,
    own: ModelHeader | None,
) -> ModelHeader:
    described, training = package.described, training_of(package)
    if own is not None:
        del training["cited"]  # which is what it learnt from, and stands there
        return replace(own, architecture=ONNX_GRAPH.name, config={}, training={**own.training, **training})
    return ModelHeader(
        name=str(described.name),
        purpose=str(described.description or described.name),
        architecture=ONNX_GRAPH.name,
        config={},
        classes=meant.classes,
        channels=channels,
        dimensions=sides.dimensions,
        intensity=intensity,
        tile=sides.tile,
        overlap=sides.overlap,
        result=meant.result,
        licence=str(described.license or "unknown"),
        training=training,
    )
