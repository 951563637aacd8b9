"""Fixtures that all tests share."""

from __future__ import annotations

import functools
import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    import torch
    from numpy.typing import NDArray

    from src_models.models.checkpoint import Model

# Before torch and the software renderer count the cores: several processes of the suite share them.
if (processes := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))) > 1:
    each = str(max(1, (os.cpu_count() or 1) // processes))
    os.environ.setdefault("OMP_NUM_THREADS", each)
    os.environ.setdefault("LP_NUM_THREADS", each)

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Import and collect without looking for garbage: what that makes is to stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        _set_living_apart()


_windows_in: set[Path] = set()  # files whose tests opened some


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """After a window and after a file, leave to themselves what they have imported and the fixtures of the session.

    Windows whose last parts Qt lets go later are found after their file, when all there is is gone through.
    """
    if "make_napari_viewer" in getattr(item, "fixturenames", ()):
        _windows_in.add(item.path)
    done = yield
    if nextitem is not None and nextitem.path != item.path:
        if item.path in _windows_in:
            gc.unfreeze()
        _set_living_apart()
    elif item.path in _windows_in:
        _set_living_apart()
    return done


def _set_living_apart() -> None:
    """Keep the collector of garbage from going through all objects there are, again and again.

    napari collects whenever a layer is removed and a viewer is closed. Among a million objects of packages and
    collected tests that takes a second; among those that the test itself made, no time.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def commands_made_once() -> Generator[None]:
    """Make the commands of the command line from their functions once, not whenever a test runs one of them."""
    import typer.testing

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", functools.cache(typer.main.get_command))
        yield


@pytest.fixture(scope="session")
def repository() -> Path:
    """The top level of the repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of public data sets and reference outputs beside the repository; its tests are skipped without it."""
    folder = Path(os.environ.get("NAPARI_MEDT_SHARED", REPOSITORY.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"needs the reference data in {folder}; NAPARI_MEDT_SHARED can name another place")
    return folder


@pytest.fixture(scope="session")
def tiny_model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file of a small Attention U-Net (grey, 2D, instances) that was taught to find bright discs."""
    import torch

    from src_models.models.architectures import create
    from src_models.models.checkpoint import Model, save
    from src_models.models.header import ModelHeader

    config = {"in_channels": 1, "classes": 3, "widths": (4, 8, 8)}
    header = ModelHeader(
        name="tiny",
        purpose="Tests",
        architecture="attention-unet",
        config=config,
        classes=("background", "interior", "boundary"),
        channels=("grey",),
        tile=(64, 64),
        overlap=(8, 8),
        result="instances",
        licence="CC0-1.0",
    )
    torch.manual_seed(0)
    network = create(header.architecture, **config)
    _teach_discs(network)
    return save(Model(network, header), tmp_path_factory.mktemp("models") / "tiny.safetensors")


@pytest.fixture(scope="session")
def lite0_weights_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of random weights in the published names of EfficientNet-Lite0, as large as the published one's are."""
    import torch

    from src_models.nets.efficientnet_lite import LITE0, STEM

    generator = torch.Generator().manual_seed(0)
    tensors: dict[str, torch.Tensor] = {"_fc.weight": torch.zeros(10, 1280), "_fc.bias": torch.zeros(10)}

    def layer(convolution: str, norm: str, *shape: int) -> None:
        size = (2 * shape[0] / int(np.prod(shape))) ** 0.5
        tensors[f"{convolution}.weight"] = torch.randn(shape, generator=generator) * size
        for name, low in (("weight", 0.8), ("bias", -0.2), ("running_mean", -0.2), ("running_var", 0.5)):
            tensors[f"{norm}.{name}"] = torch.rand(shape[0], generator=generator) * 0.4 + low
        tensors[f"{norm}.num_batches_tracked"] = torch.tensor(7)

    layer("_conv_stem", "_bn0", STEM, 3, 3, 3)
    channels, number = STEM, 0
    for stage in LITE0:
        for _ in range(stage.blocks):
            inner, prefix = channels * stage.expansion, f"_blocks.{number}."
            if stage.expansion > 1:
                layer(f"{prefix}_expand_conv", f"{prefix}_bn0", inner, channels, 1, 1)
            layer(f"{prefix}_depthwise_conv", f"{prefix}_bn1", inner, 1, stage.kernel, stage.kernel)
            layer(f"{prefix}_project_conv", f"{prefix}_bn2", stage.channels, inner, 1, 1)
            channels, number = stage.channels, number + 1
    path = tmp_path_factory.mktemp("weights") / "lite0.pth"
    torch.save(tensors, path)
    return path


@pytest.fixture(scope="session")
def bright_model() -> Model:
    """A model of clicks for grey values from 0 to 1 that finds what is brighter than 0.5, whatever was clicked."""
    from src_models.clicking.prompts import PROMPT_CHANNELS
    from src_models.models.architectures import create
    from src_models.models.checkpoint import Model
    from src_models.models.header import Intensity, ModelHeader

    config = {"in_channels": 6, "classes": 2, "widths": [2, 2], "deep_supervision": False}
    header = ModelHeader(
        name="bright",
        purpose="Tests",
        architecture="unet",
        config=config,
        classes=("background", "object"),
        channels=("red", "green", "blue"),
        prompts=PROMPT_CHANNELS,
        intensity=Intensity(kind="window", low=0.0, high=1.0),
        tile=(64, 64),
        overlap=(16, 16),
    )
    network = create("unet", **config).eval()
    _hand_on_first_channel(network)
    return Model(network, header, sha256="ab" * 32)


@pytest.fixture(scope="session")
def bright_model_path(bright_model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the model that finds what is bright where a person clicked."""
    from src_models.models.checkpoint import save

    return save(bright_model, tmp_path_factory.mktemp("models") / "bright.safetensors")


@pytest.fixture(params=["float32", "bfloat16"])
def either_precision(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> torch.dtype:
    """Run a test in both precisions, whatever this machine would choose by itself; gives that of this turn."""
    import torch

    from src_models.computing import execution

    dtype: torch.dtype = getattr(torch, request.param)
    monkeypatch.setattr(execution, "default_dtype", lambda device: dtype)
    return dtype


@pytest.fixture
def discs() -> NDArray[np.uint16]:
    """An image (70, 90) of two bright discs, which the tiny model finds at a diameter of 20 px given by hand."""
    y, x = np.mgrid[:70, :90]
    inside = ((y - 20) ** 2 + (x - 20) ** 2 < 80) | ((y - 45) ** 2 + (x - 60) ** 2 < 120)
    return (inside * 200 + 20).astype(np.uint16)


def _hand_on_first_channel(network: torch.nn.Module) -> None:
    """Make a U-Net that says object where its first channel is above 0.5."""
    import torch

    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.fill_(1)
            if isinstance(module, torch.nn.Conv2d):
                middle = [size // 2 for size in module.kernel_size]
                # Each hands on its first channel; where two grids are joined, that is the finer one's.
                module.weight[:, 0, middle[0], middle[1]] = 1
        network.heads[0].weight[0], network.heads[0].weight[1] = 0, 0
        network.heads[0].weight[1, 0] = 80
        network.heads[0].bias[1] = -40


def _teach_discs(network: torch.nn.Module, steps: int = 50, size: int = 48) -> None:
    """Train on images of noise with a disc of radius 6 to 12 px each: 0 background, 1 interior, 2 boundary."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # small tensors: on busy cores, more threads wait for each other
    optimiser = torch.optim.Adam(network.parameters(), lr=0.03)
    y, x = torch.meshgrid(torch.arange(float(size)), torch.arange(float(size)), indexing="ij")
    for _ in range(steps):
        centres, radii = torch.rand(4, 2, 1, 1) * size, torch.rand(4, 1, 1) * 6 + 6
        inside = radii - torch.hypot(y - centres[:, 0], x - centres[:, 1])
        target = (inside > 0).long() + ((inside > 0) & (inside < 2)).long()
        image = (inside > 0).float() + 0.1 * torch.randn(4, size, size)
        loss = torch.nn.functional.cross_entropy(network(image[:, None]), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def novice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a model of cells that knows nothing yet."""
    import torch

    from src_models.models.architectures import create
    from src_models.models.checkpoint import Model, save
    from src_models.models.header import ModelHeader

    config = {"in_channels": 1, "classes": 2, "widths": (4, 8), "norm": "group"}
    header = ModelHeader(
        name="novice",
        purpose="Tests",
        architecture="attention-unet",
        config=config,
        classes=("background", "cell"),
        channels=("grey",),
        tile=(64, 64),
        overlap=(8, 8),
    )
    torch.manual_seed(0)
    return save(Model(create("attention-unet", **config), header), tmp_path_factory.mktemp("m") / "novice.safetensors")
