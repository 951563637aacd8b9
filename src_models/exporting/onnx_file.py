"""A model as an ONNX file, which is run and compared before it is kept."""

from __future__ import annotations

import json
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from src_models.disk.atomic import atomic_path
from src_models.errors import ModelFileError, UserError
from src_models.exporting.traced import Graph, example, graph_of
from src_models.models.checkpoint import Model
from src_models.models.header import METADATA_KEY

__all__ = ["CLOSE", "OPSET", "OnnxExport", "check_onnx_installed", "export_onnx"]

OPSET = 17
#: How far results of the file may be from the model's, of the largest logit (at least of 1).
CLOSE = 1e-4
INPUT, OUTPUT = "image", "logits"
_SPATIAL = "zyx"


@dataclass(frozen=True, slots=True)
class OnnxExport:
    """What was written.

    Parameters
    ----------
    size
        Sides (px) of the images it was written with.
    step
        Sides may be any multiple of this; None where `size` is the only one.
    difference
        Largest difference of its logits from the model's, where it was compared.
    """

    size: tuple[int, ...]
    step: int | None
    difference: float


def check_onnx_installed() -> None:
    """Refuse before the work what needs packages that are missing.

    Raises
    ------
    UserError
        If they are.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ModuleNotFoundError as error:
        raise UserError(
            f"ONNX files need the package {error.name}, which is not installed; install it with "
            "pip install 'napari-medt[export]'"
        ) from error


def export_onnx(model: Model, path: Path, *, size: int | None = None, overwrite: bool = False) -> OnnxExport:
    """Write a model as ONNX: from normalised images (N, C, *S), `image`, to logits (N, K, *S), `logits`.

    Parameters
    ----------
    model
        The model.
    path
        The file to make, ``NAME.onnx``. The model's header is in its metadata.
    size
        As of :func:`src_models.exporting.traced.graph_of`.
    overwrite
        Whether an existing file may be replaced.

    Raises
    ------
    ModelFileError
        If the network cannot be written as ONNX, or the file gives other results than the model.
    OutputError
        If the file exists and may not be replaced, or cannot be written.
    UserError
        If the packages for ONNX are missing.
    """
    check_onnx_installed()
    graph = graph_of(model, size)
    with atomic_path(path, overwrite=overwrite) as beside:
        _write(graph, model, beside)
        difference = max(_difference(graph, model.network, beside, of) for of in {graph.size, graph.other_size})
        if difference > CLOSE:
            raise ModelFileError(
                f"{path}: written as ONNX, the model {model.header.name!r} gives other results (by {difference:.2g}), "
                "so nothing was kept; please report it"
            )
    return OnnxExport(graph.size, graph.step, difference)


def _write(graph: Graph, model: Model, path: Path) -> None:
    import onnx

    image = example(graph)
    letters = dict(enumerate(_SPATIAL[-len(graph.size) :], start=2)) if graph.step is not None else {}
    of_pixels = letters if model.header.result != "class" else {}
    axes = {INPUT: {0: "batch", **letters}, OUTPUT: {0: "batch", **of_pixels}}
    try:
        with torch.no_grad(), warnings.catch_warnings(), _silent():
            warnings.simplefilter("ignore")  # on sizes that are kept, which is meant, and on the way of exporting
            graph.network(image)  # what a network keeps for a size is made now, and is no step of the graph
            torch.onnx.export(
                graph.network,
                (image,),
                str(path),
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_axes=axes,
                opset_version=OPSET,
                dynamo=False,
            )
    except Exception as error:
        raise _not_written(model, error) from error
    content = onnx.load(str(path))
    onnx.helper.set_model_props(content, {METADATA_KEY: model.header.to_json(), "classes": _classes(model)})
    onnx.save(content, str(path))


def _classes(model: Model) -> str:
    return json.dumps([*model.header.classes, *model.header.fields])


def _difference(graph: Graph, network: nn.Module, path: Path, size: tuple[int, ...]) -> float:
    """Return how far results are from those of the network as it is, of the largest (at least of 1)."""
    image = torch.cat([example(graph, size, seed=seed) for seed in (1, 2)])
    with torch.inference_mode():
        wanted = network(image).float().numpy()
    found = _run(path, image)
    return float(np.abs(found - wanted).max() / max(1.0, float(np.abs(wanted).max())))


def _run(path: Path, image: Tensor) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        return session.run([OUTPUT], {INPUT: image.numpy()})[0]
    except Exception as error:  # of the library, which has no common class of errors
        raise ModelFileError(
            f"this network cannot be run as ONNX ({str(error).splitlines()[0][:160]}); --format bioimageio writes it "
            "as TorchScript"
        ) from error


def _not_written(model: Model, error: Exception) -> ModelFileError:
    return ModelFileError(
        f"the network {model.header.architecture!r} of {model.header.name!r} cannot be written as ONNX "
        f"({str(error).splitlines()[0][:160]}); --format bioimageio writes it as TorchScript"
    )


class _silent:
    """Keeps the exporter's log to itself inside the ``with`` block."""

    def __enter__(self) -> None:
        self._before = logging.getLogger("torch.onnx").level
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)

    def __exit__(self, *_: object) -> None:
        logging.getLogger("torch.onnx").setLevel(self._before)
