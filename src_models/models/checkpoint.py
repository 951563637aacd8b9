"""Saving and loading whole models: weights and header in one ``.safetensors`` file. Nothing is ever unpickled.

>>> import tempfile
>>> from pathlib import Path
>>> from src_models.models.architectures import create
>>> config = {"in_channels": 1, "classes": 2, "widths": [4, 8]}
>>> header = ModelHeader(name="tiny", purpose="an example", architecture="unet", config=config,
...                      classes=("background", "cell"), channels=("grey",))
>>> with tempfile.TemporaryDirectory() as folder:
...     path = save(Model(create("unet", **config), header), Path(folder) / "tiny.safetensors")
...     load(path).header.name
'tiny'
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from src_models.disk.atomic import atomic_path
from src_models.errors import ModelFileError
from src_models.models.architectures import create
from src_models.models.header import METADATA_KEY, ModelHeader, read_header
from src_models.models.packages.description import is_package
from src_models.nets.network import Network

__all__ = ["Model", "file_content", "load", "save"]


@dataclass(frozen=True, eq=False)
class Model:
    """A network with all that is known of it.

    Parameters
    ----------
    network
        The network; in eval mode when it was loaded.
    header
        What it is and expects.
    sha256
        SHA-256 of the file it was loaded from, or None.
    path
        That file, or None.
    """

    network: nn.Module
    header: ModelHeader
    sha256: str | None = None
    path: Path | None = None

    def __post_init__(self) -> None:
        if isinstance(self.network, Network):
            self.network.fields = len(self.header.fields)


def save(model: Model, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a model file atomically.

    Parameters
    ----------
    model
        What to write. Its network stays where it is and as it is.
    path
        A path that ends in ``.safetensors``.
    overwrite
        Whether an existing file may be replaced.

    Raises
    ------
    ModelFileError
        If a weight is NaN or infinite, or the path does not end in ``.safetensors``.
    OutputError
        If the file exists, or cannot be written.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ModelFileError(f"{path}: the name of a model file ends in .safetensors")
    content = _content(model, path)
    with atomic_path(path, overwrite=overwrite) as beside:
        beside.write_bytes(content)
    return path


def file_content(path: Path) -> bytes:
    """Return what a model file holds; of a package, what a model file of it would hold.

    Raises
    ------
    ModelFileError
        If a package is damaged, or no model.
    """
    return _content(load(path), path) if is_package(path) else path.read_bytes()


def _content(model: Model, path: Path) -> bytes:
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.network.state_dict().items()}
    _check_finite(tensors, path)
    return save_tensors(tensors, metadata={METADATA_KEY: model.header.to_json()})


def load(name_or_path: str | Path) -> Model:
    """Load a model, ready to predict: in eval mode, on the CPU.

    Parameters
    ----------
    name_or_path
        A path ending in ``.safetensors``, or the name of a shipped or local model; or a package of the BioImage Model
        Zoo (:mod:`src_models.models.packages.importing`).

    Raises
    ------
    ModelFileError
        If there is no such model, or the file is damaged, foreign, newer than this code, or does not match its header.
    """
    from src_models.models.library import model_path

    path = model_path(name_or_path)
    if is_package(path):
        from src_models.models.packages.importing import load_package

        return load_package(path)
    header = read_header(path)
    content = path.read_bytes()
    try:
        tensors = load_tensors(content)
    except SafetensorError as error:
        raise ModelFileError(f"{path}: this model file is damaged ({error}); get it again") from error
    _check_finite(tensors, path)
    _check_agreement(header, path)
    try:
        network = create(header.architecture, **header.config)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from error
    _fill(network, tensors, path)
    return Model(network.eval(), header, hashlib.sha256(content).hexdigest(), path.resolve())


def _fill(network: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    wanted = network.state_dict()
    wrong = sorted(
        name
        for name in wanted.keys() | tensors.keys()
        if name not in wanted or name not in tensors or wanted[name].shape != tensors[name].shape
    )
    if wrong:
        few = ", ".join(wrong[:3])
        raise ModelFileError(
            f"{path}: the weights do not match the network that the header describes "
            f"({len(wrong)} tensors missing, unknown or of another shape: {few}); the file was changed, get it again"
        )
    network.load_state_dict(tensors)


def _check_agreement(header: ModelHeader, path: Path) -> None:
    """Check that what the header says of input and output is what its network takes and gives."""
    said = {
        "classes": header.outputs,
        "channels": len(header.channels) + len(header.prompts),
        "dimensions": header.dimensions,
    }
    for field, argument in (("classes", "classes"), ("channels", "in_channels"), ("dimensions", "dimensions")):
        built = header.config.get(argument, said[field])
        if built != said[field]:
            raise ModelFileError(
                f"{path}: the header contradicts itself ({field}: {said[field]}, but its network has {built}); the "
                "file was changed, get it again"
            )


def _check_finite(tensors: dict[str, Tensor], path: Path) -> None:
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise ModelFileError(f"{path}: the weights {name} hold NaN or infinite values; this model is unusable")
