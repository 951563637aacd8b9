"""The options of ``train`` that describe a network are those that the architectures' records name."""

import inspect
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from napari_medt.cli.models import network_options
from napari_medt.cli.models.network_options import architecture_help, configuration, with_network_options
from napari_medt.cli.models.train import train
from src_models.errors import ModelFileError, UserError
from src_models.models.architectures import ARCHITECTURES, create
from src_models.nets.architecture import Architecture, TrainOption

TOY = Architecture(
    name="toy",
    line="a toy",
    paper="none",
    family="toys",
    options=(
        TrainOption("beam_width", 3, "How wide."),
        TrainOption("mirrored", default=True, help="Whether it is mirrored."),
        TrainOption("odd", default=False, help="Whether it is odd.", can_be_refused=False),
    ),
)


@pytest.fixture
def listed(monkeypatch):
    """The list, with a family that has options of its own."""
    monkeypatch.setattr(network_options, "ARCHITECTURES", [*ARCHITECTURES, TOY])


@pytest.fixture
def heard(listed):
    """What a command with these options is given."""
    given = SimpleNamespace()
    app = typer.Typer()

    @app.command()
    @with_network_options(before="last")
    def command(first: str, last: int = 1, **chosen: Any) -> None:
        given.first, given.last, given.chosen = first, last, chosen

    def run(*arguments):
        done = CliRunner(env={"COLUMNS": "200"}).invoke(app, list(map(str, arguments)))
        assert done.exit_code == 0, done.output
        return given

    return run


def test_a_command_has_the_options_of_all_families_where_they_were_wanted(listed):
    def command(first: str, last: int = 1, **chosen: Any) -> None:
        pass

    names = list(inspect.signature(with_network_options(before="last")(command)).parameters)
    unet = ["encoder", "widths", "gate", "subgates", "norm", "deep_supervision"]
    guided = ["backbone", "width", "attention", "refinements", "guidance", "channel_attention", "semantics"]
    windows = ["size", "stages", "embedding", "windows", "local", "fusion"]
    names_of_all = ["first", *unet, "compatible", *guided, "skips", *windows, "beam_width", "mirrored", "odd", "last"]
    assert names == names_of_all
    assert "chosen" not in names


def test_an_option_is_what_was_typed_or_its_default(heard):
    found = heard("a", "--beam-width", 5, "--no-mirrored", "--odd", "--widths", "4,8")
    assert (found.first, found.last) == ("a", 1)
    chosen = {"beam_width": 5, "mirrored": False, "odd": True, "widths": "4,8", "subgates": 1, "compatible": False}
    assert chosen.items() <= found.chosen.items()
    assert heard("b").chosen["mirrored"] is True


@pytest.mark.parametrize("record", ARCHITECTURES, ids=[record.name for record in ARCHITECTURES])
def test_the_defaults_of_all_options_make_a_network(record):
    parameters = inspect.signature(train).parameters
    defaults = {option.name: parameters[option.name].default for each in ARCHITECTURES for option in each.options}
    config = configuration(record.name, defaults, 128)
    create(record.name, in_channels=1, classes=2, dimensions=2, **config)
    assert set(config) >= {option.name for option in record.options} - {
        "gate",
        "subgates",
        "encoder",
        "embedding",
        "windows",
    }


def test_every_architecture_is_named_in_the_help():
    line = architecture_help()
    segmenting = "attention-unet, unet, medt, logo, gated-axial-unet, axial-unet, guided-attention, fcn"
    assert line == f"Network: {segmenting}, med-former, swin, vit, resnet18 or efficientnet-lite0."


def test_values_that_make_no_sense_and_unknown_names_are_refused_in_a_sentence():
    chosen = {
        "encoder": "unet",
        "widths": "wide",
        "gate": "grid",
        "subgates": 1,
        "norm": "batch",
        "deep_supervision": True,
    }
    with pytest.raises(UserError, match="--widths 'wide' must be whole numbers separated by commas"):
        configuration("unet", chosen, 64)
    with pytest.raises(ModelFileError, match="there is no architecture 'resnet'"):
        configuration("resnet", chosen, 64)
