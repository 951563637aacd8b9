"""A model as a package of the BioImage Model Zoo: described, with its weights, and with a test of its own.

The description is of bioimageio.spec's model format 0.5 (https://bioimage-io.github.io/spec-bioimage-io/). Grey values
are scaled as the model's header says, by the operations of that format; how logits become objects is told in the
documentation, since the format has no operation for it.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from src_models.disk.atomic import atomic_path, output_error
from src_models.errors import ModelFileError, OutputError, UserError
from src_models.exporting.documentation import documentation
from src_models.exporting.onnx_file import OPSET, check_onnx_installed, export_onnx
from src_models.exporting.traced import Graph, example, graph_of
from src_models.images.grey.intensity import LIMIT
from src_models.models.architectures import find_architecture
from src_models.models.checkpoint import Model
from src_models.models.citations import citations_of
from src_models.models.header import Intensity

__all__ = ["Package", "check_package", "export_package", "normalised"]

_TALLEST = 1000.0  # grey value of the test image
_SHORTEST = 5  # of a name
_FILES = {"onnx": "weights.onnx", "torchscript": "weights.pt", "image": "test_input.npy", "logits": "test_output.npy"}


@dataclass(frozen=True, slots=True)
class Package:
    """What was written.

    Parameters
    ----------
    weights
        The forms of weights in it.
    size
        Sides (px) of its test image.
    step
        Sides of images may be any multiple of this; None where `size` is the only one.
    """

    weights: tuple[str, ...]
    size: tuple[int, ...]
    step: int | None


def check_package(model: Model, licence: str, authors: Sequence[str]) -> None:
    """Refuse before the work what could not be described.

    Raises
    ------
    ModelFileError
        If the licence is not known, or no author.
    UserError
        If the package bioimageio.spec is missing.
    """
    _spec()
    if licence in ("", "unknown"):
        raise ModelFileError(
            f"the licence of the model {model.header.name!r} is not known, and a package needs one; give its SPDX "
            "name, such as --licence CC-BY-4.0"
        )
    if not authors:
        raise ModelFileError("a package names who made the model; give --author NAME")


def export_package(
    model: Model, path: Path, *, authors: Sequence[str], licence: str, size: int | None = None, overwrite: bool = False
) -> Package:
    """Write a package: a zip with ``rdf.yaml``, documentation, weights, and a test image with its logits.

    Parameters
    ----------
    model
        The model.
    path
        The file to make, ``NAME.zip``.
    authors
        Who made the model.
    licence
        SPDX name of the weights' licence.
    size
        As of :func:`src_models.exporting.traced.graph_of`.
    overwrite
        Whether an existing file may be replaced.

    Raises
    ------
    ModelFileError
        If the model cannot be described.
    OutputError
        If the file exists and may not be replaced, or cannot be written.
    UserError
        If a package is missing.
    """
    check_package(model, licence, authors)
    graph = graph_of(model, size)
    try:
        with atomic_path(path, overwrite=overwrite) as beside, TemporaryDirectory() as scratch:
            folder = Path(scratch)
            weights = _write_weights(graph, model, folder, size)
            _write_test(graph, model, folder)
            (folder / "README.md").write_text(documentation(model.header, graph), encoding="utf-8")
            described = _described(graph, model, folder, weights, authors, licence)
            made = _spec().save_bioimageio_package(described, output_path=folder / "package.zip")
            beside.write_bytes(Path(made).read_bytes())
    except OutputError:
        raise
    except OSError as error:
        raise output_error(path, error) from error
    return Package(tuple(weights), graph.size, graph.step)


def normalised(values: NDArray[np.float32], intensity: Intensity) -> NDArray[np.float32]:
    """Scale grey values as the package's operations do: the header's, without leaving out specks.

    Parameters
    ----------
    values
        (1, C, *S).
    intensity
        From the model's header.
    """
    x = values.astype(np.float64)
    if "window" in intensity.kind:
        share = np.clip((x - intensity.low) / (intensity.high - intensity.low), 0, 1)
        return np.asarray(share * 2 - 1 if intensity.kind == "signed-window" else share, np.float32)
    low, high = np.percentile(x, (intensity.low, intensity.high))
    if intensity.kind == "zscore":
        x = np.clip(x, low, high)
        return np.asarray((x - x.mean()) / (x.std() + 1e-6), np.float32)
    return np.asarray(np.clip((x - low) / (high - low + 1e-6), -LIMIT, 1 + LIMIT), np.float32)


def _spec() -> Any:
    try:
        import bioimageio.spec as spec
    except ModuleNotFoundError as error:
        raise UserError(
            f"packages need {error.name}, which is not installed; install it with pip install 'napari-medt[export]'"
        ) from error
    return spec


def _write_weights(graph: Graph, model: Model, folder: Path, size: int | None) -> list[str]:
    """Write the weights as TorchScript, and as ONNX where that can be."""
    image = example(graph)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on sizes that are kept, which is meant, and on the age of TorchScript
        graph.network(image)
        traced = torch.jit.trace(graph.network, (image,), check_trace=False)  # type: ignore[no-untyped-call]
        torch.jit.save(traced, str(folder / _FILES["torchscript"]))
    try:
        check_onnx_installed()
        export_onnx(model, folder / _FILES["onnx"], size=size)
    except UserError:
        return ["torchscript"]
    return ["onnx", "torchscript"]


def _write_test(graph: Graph, model: Model, folder: Path) -> None:
    raw = np.round(example(graph, seed=2).numpy() * _TALLEST).astype(np.float32)
    low, high = (model.header.intensity.low, model.header.intensity.high)
    if "window" in model.header.intensity.kind:
        raw = np.asarray(low - 50 + raw / _TALLEST * (high - low + 100), np.float32)
    with torch.inference_mode():
        logits = model.network(torch.from_numpy(normalised(raw, model.header.intensity)))
    for name, values in (("image", raw), ("logits", logits.numpy())):
        file = io.BytesIO()
        np.save(file, np.ascontiguousarray(values), allow_pickle=False)
        (folder / _FILES[name]).write_bytes(file.getvalue())


def _described(
    graph: Graph, model: Model, folder: Path, weights: Sequence[str], authors: Sequence[str], licence: str
) -> Any:
    from bioimageio.spec.model import v0_5 as form
    from pydantic import ValidationError

    header = model.header
    try:
        return form.ModelDescr(
            name=_allowed(header.name),
            description=header.purpose[:1024],
            documentation=_file(form, folder / "README.md"),
            authors=[form.Author(name=name) for name in authors],
            cite=_citations(form, model),
            license=form.LicenseId(licence),
            git_repo=None,
            tags=["segmentation" if header.result != "class" else "classification", header.architecture, "napari-medt"],
            version=form.Version("0.1.0"),
            inputs=[_input(form, graph, model, folder)],
            outputs=[_output(form, graph, model, folder)],
            weights=_weights(form, folder, weights),
        )
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:3])
        raise ModelFileError(f"the model {header.name!r} cannot be described as a package ({told})") from error


def _file(form: Any, path: Path) -> Any:
    return form.FileDescr(source=path)


def _allowed(name: str) -> str:
    """Return a name of letters, numbers, spaces and the few signs that the format allows, of 5 to 128 characters."""
    allowed = "".join(letter if letter.isalnum() or letter in "_+- ()" else "-" for letter in name)[:128]
    return allowed if len(allowed) >= _SHORTEST else f"model {allowed}".strip()


def _citations(form: Any, model: Model) -> list[Any]:
    record = find_architecture(model.header.architecture)
    entries = []
    if "arXiv " in record.paper:
        place = form.HttpUrl("https://arxiv.org/abs/" + record.paper.rsplit("arXiv ", 1)[1].split()[0].strip(",;)"))
        entries = [form.CiteEntry(text=record.paper[:512], url=place)]
    for one in citations_of(model.header):
        where = {"doi": form.Doi(one.doi)} if one.doi else {"url": form.HttpUrl(one.url)} if one.url else None
        if where is not None:
            entries.append(form.CiteEntry(text=one.sentence[:512], **where))
    return entries


def _space(form: Any, graph: Graph, *, output: bool) -> list[Any]:
    letters = "zyx"[-len(graph.size) :]
    if output:
        return [
            form.SpaceOutputAxis(id=form.AxisId(letter), size=form.SizeReference(tensor_id="image", axis_id=letter))
            for letter in letters
        ]
    sizes = [
        side if graph.step is None else form.ParameterizedSize(min=2 * graph.step, step=graph.step)
        for side in graph.size
    ]
    return [form.SpaceInputAxis(id=form.AxisId(letter), size=side) for letter, side in zip(letters, sizes, strict=True)]


def _input(form: Any, graph: Graph, model: Model, folder: Path) -> Any:
    header = model.header
    names = [*header.channels, *header.prompts]
    axes = [form.BatchAxis(), form.ChannelAxis(channel_names=[_identifier(name) for name in names])]
    return form.InputTensorDescr(
        id=form.TensorId("image"),
        description=f"an image with the channels {', '.join(names)}",
        axes=[*axes, *_space(form, graph, output=False)],
        test_tensor=_file(form, folder / _FILES["image"]),
        data=form.IntervalOrRatioDataDescr(type="float32"),
        preprocessing=_operations(form, header.intensity, ["channel", *"zyx"[-len(graph.size) :]]),
    )


def _output(form: Any, graph: Graph, model: Model, folder: Path) -> Any:
    names = [*model.header.classes, *model.header.fields]
    axes = [form.BatchAxis(), form.ChannelAxis(channel_names=[_identifier(name) for name in names])]
    space = [] if model.header.result == "class" else _space(form, graph, output=True)
    return form.OutputTensorDescr(
        id=form.TensorId("logits"),
        description=f"logits of {', '.join(names)}; the documentation tells what becomes of them"[:1024],
        axes=[*axes, *space],
        test_tensor=_file(form, folder / _FILES["logits"]),
        data=form.IntervalOrRatioDataDescr(type="float32"),
    )


def _identifier(name: str) -> str:
    text = "".join(letter if letter.isalnum() else "_" for letter in name)
    return text if text[:1].isalpha() else f"channel_{text}"


def _operations(form: Any, intensity: Intensity, axes: list[str]) -> list[Any]:
    """Return how grey values are scaled, by the operations that the format has."""
    low, high = intensity.low, intensity.high
    ids = [form.AxisId(axis) for axis in axes]
    if "window" in intensity.kind:
        signed = intensity.kind == "signed-window"
        gain = (2 if signed else 1) / (high - low)
        linear = form.ScaleLinearKwargs(gain=gain, offset=-low * gain - (1 if signed else 0))
        clip = form.ClipKwargs(min=-1.0 if signed else 0.0, max=1.0)
        return [form.ScaleLinearDescr(kwargs=linear), form.ClipDescr(kwargs=clip)]
    if intensity.kind == "zscore":
        clip = form.ClipKwargs(min_percentile=low, max_percentile=high, axes=ids)
        return [
            form.ClipDescr(kwargs=clip),
            form.ZeroMeanUnitVarianceDescr(kwargs=form.ZeroMeanUnitVarianceKwargs(axes=ids)),
        ]
    scale = form.ScaleRangeKwargs(min_percentile=low, max_percentile=high, axes=ids)
    return [
        form.ScaleRangeDescr(kwargs=scale),
        form.ClipDescr(kwargs=form.ClipKwargs(min=-LIMIT, max=1 + LIMIT)),
    ]


def _weights(form: Any, folder: Path, weights: Sequence[str]) -> Any:
    version = form.Version(torch.__version__.split("+")[0])
    forms = {
        "onnx": lambda: form.OnnxWeightsDescr(
            source=folder / _FILES["onnx"], opset_version=OPSET, parent="torchscript"
        ),
        "torchscript": lambda: form.TorchscriptWeightsDescr(
            source=folder / _FILES["torchscript"], pytorch_version=version
        ),
    }
    return form.WeightsDescr(**{name: forms[name]() for name in weights})
