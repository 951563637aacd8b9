"""What is known of an architecture before any network of it is made, and so without torch.

Each family of networks has a file of such records beside it; :mod:`src_models.models.architectures` lists them all.
What only a network that was made can tell is in :mod:`src_models.nets.network`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import nn

__all__ = ["ATTENTION", "DECODER", "GATES", "HEAD", "Architecture", "Config", "LearnablePart", "Task", "TrainOption"]

Config = Mapping[str, Any]
Task = Literal["segmentation", "classification"]


@dataclass(frozen=True, slots=True)
class LearnablePart:
    """A part of a network that can learn while the rest stays as it is.

    Parameters
    ----------
    name
        What settings call it, such as ``"decoder"``.
    title
        For people.
    cost
        What learning it costs and gives, in a sentence.
    term
        The field's name of it.
    """

    name: str
    title: str
    cost: str
    term: str


DECODER = LearnablePart(
    "decoder",
    "Only how it draws objects",
    "How it draws objects is learnt; what it sees in an image stays as it is. About a third faster.",
    "The decoder",
)
GATES = LearnablePart(
    "gates",
    "Only where it looks",
    "The network learns only where to look in an image: little can be forgotten, and little learnt.",
    "The attention gates",
)
HEAD = LearnablePart(
    "head",
    "Only what it makes of what it sees",
    "Which class a picture is of is learnt anew from what is seen in it; what is seen stays as it is. Several times "
    "faster, and little can be forgotten.",
    "The last layer",
)
ATTENTION = LearnablePart(
    "attention",
    "Only how it looks around",
    "The network learns where each place of a picture looks and what it takes from there; what it makes of that stays.",
    "The layers of attention",
)


@dataclass(frozen=True, slots=True)
class TrainOption:
    """A choice that a person has of a network that is to be trained.

    Parameters
    ----------
    name
        What it is called; the command line writes hyphens for underscores.
    default
        What is taken unless a person chooses; its type is the option's.
    help
        A line for people.
    can_be_refused
        Of a choice between yes and no: whether no can be said, too.
    """

    name: str
    default: str | int | bool
    help: str
    can_be_refused: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """The record of one architecture; a family makes a class of it and says what is not as here.

    Parameters
    ----------
    name
        What model files and the command line call it.
    line
        A line on it for people.
    paper
        Where it was published.
    family
        What such networks are called together, for people.
    task
        ``"segmentation"``: a class for each pixel. ``"classification"``: one for the whole image.
    options
        What a person can choose of a network that is trained.
    settings
        Names of training settings that no other network heeds.
    parts
        What of a network can learn by itself; a network without gates, say, has fewer.
    """

    name: str
    line: str
    paper: str
    family: str
    task: Task = "segmentation"
    options: tuple[TrainOption, ...] = ()
    settings: tuple[str, ...] = ()
    parts: tuple[LearnablePart, ...] = ()

    def make(self, **config: Any) -> nn.Module:
        """Return an untrained network, which is best a :class:`~src_models.nets.network.Network`.

        Parameters
        ----------
        **config
            `in_channels`, `classes` (the background included) and `dimensions`, and what only this architecture has.

        Raises
        ------
        TypeError, ValueError
            If it cannot be made so.
        """
        raise NotImplementedError

    def maps(self, config: Config) -> list[str]:
        """Return the names of the attention maps with one value a pixel that such a network gives, finest first."""
        return []

    def usual_maps(self, config: Config) -> list[str]:
        """Return those maps that are worth a layer unless a person chooses."""
        return self.maps(config)

    def blocks(self, config: Config) -> list[str]:
        """Return the names of the attention blocks, finest first, that can be asked where any pixel looks."""
        return []

    def branches(self, config: Config) -> list[str]:
        """Return the names of the branches whose blocks can be followed one after another."""
        return []

    def heads(self, config: Config) -> dict[str, int]:
        """Return how many heads each layer has, finest first, that can be asked where a place looks; of classes."""
        return {}

    def matrices(self, config: Config) -> list[str]:
        """Return the names of attention matrices of channels, which are no maps: they tell of an image as a whole."""
        return []

    def window(self, config: Config) -> int | None:
        """Return the size (px) of the images it is at its best with, if it has one: that of patches and of tiles."""
        return None

    def largest(self, config: Config) -> int | None:
        """Return the size (px) of the largest image that it takes, if there is one."""
        return None

    def configure(self, chosen: Mapping[str, Any], patch: int) -> dict[str, Any]:
        """Return the configuration of a network that is to be trained.

        Parameters
        ----------
        chosen
            A value for each of `options`.
        patch
            Size (px) of the patches that it is trained with.

        Raises
        ------
        ValueError
            If a value makes no sense.
        """
        return dict(chosen)

    def recipe(self, images: int) -> dict[str, Any]:
        """Return the training settings that are not the usual ones, for a number of training images."""
        return {}
