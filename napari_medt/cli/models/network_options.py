"""The options of ``napari-medt train`` that describe a network: those that the architectures' records name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_medt.cli.options import NETWORK
from src_models.errors import UserError
from src_models.models.architectures import ARCHITECTURES, architectures, find_architecture

if TYPE_CHECKING:
    from src_models.nets.architecture import Architecture, Task, TrainOption

__all__ = [
    "architecture_help",
    "configuration",
    "network_chosen",
    "refuse_options_of_others",
    "was_given",
    "with_network_options",
]

# Settings of the trainings of one task alone.
_OF_TASK: dict[Task, tuple[str, ...]] = {
    "segmentation": ("instances", "separation", "drawn", "balance"),
    "classification": ("label_smoothing", "class_weights", "average"),
}
_METAVARS: dict[type, str] = {str: "VALUE", int: "N", bool: ""}


def architecture_help() -> str:
    """Return the line of help that lists the architectures."""
    *others, last = architectures()
    return f"Network: {', '.join(others)} or {last}."


def with_network_options(*, before: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of all architectures in place of its ``**chosen``.

    Parameters
    ----------
    before
        The parameter of the command that they stand before.
    """

    def extended(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True)
        parameters = [each for each in own.parameters.values() if each.kind is not each.VAR_KEYWORD]
        place = [each.name for each in parameters].index(before)
        parameters[place:place] = [_parameter(option) for option in _options().values()]
        command.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        return command

    return extended


def refuse_options_of_others(context: typer.Context, architecture: str) -> None:
    """Raise UserError for an option that was given and that the network would not heed."""
    if architecture not in architectures():
        return  # which is refused with its own sentence
    heeded = _names(find_architecture(architecture))
    for name in dict.fromkeys(name for record in ARCHITECTURES for name in _names(record)):
        if name not in heeded and was_given(context, name):
            others = dict.fromkeys(_family(record, name) for record in ARCHITECTURES if name in _names(record))
            raise UserError(
                f"--{_written(name)} is for {' and '.join(others)}, and does nothing to {architecture}: leave it out"
            )


def was_given(context: typer.Context, name: str) -> bool:
    """Whether a person gave an option."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def network_chosen(context: typer.Context) -> bool:
    """Whether any option was given that says which network it is, or how it is made."""
    return any(was_given(context, name) for name in ("architecture", *_options()))


def configuration(architecture: str, chosen: dict[str, Any], patch: int) -> dict[str, Any]:
    """Return the configuration of a network, from the values of all options.

    Raises
    ------
    UserError
        If a value makes no sense, or there is no such architecture.
    """
    record = find_architecture(architecture)
    try:
        return record.configure({option.name: chosen[option.name] for option in record.options}, patch)
    except ValueError as error:
        raise UserError(str(error)) from error


def _options() -> dict[str, TrainOption]:
    """Return the options of all architectures by name."""
    return {option.name: option for record in ARCHITECTURES for option in record.options}


def _names(record: Architecture) -> list[str]:
    """Return the names of the options that no architecture heeds but those which name them."""
    return [*(option.name for option in record.options), *record.settings, *_OF_TASK[record.task]]


def _family(record: Architecture, name: str) -> str:
    """Return what networks are called that heed an option."""
    of_task = {"segmentation": "networks that segment", "classification": "networks that tell classes"}
    return of_task[record.task] if name in _OF_TASK[record.task] else record.family


def _parameter(option: TrainOption) -> inspect.Parameter:
    flags = [f"--{_written(option.name)}"]
    if isinstance(option.default, bool) and option.can_be_refused:
        flags = [f"{flags[0]}/--no-{_written(option.name)}"]
    return inspect.Parameter(
        option.name,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=option.default,
        annotation=Annotated[
            type(option.default),
            typer.Option(*flags, metavar=_METAVARS[type(option.default)], help=option.help, rich_help_panel=NETWORK),
        ],
    )


def _written(name: str) -> str:
    return name.replace("_", "-")
