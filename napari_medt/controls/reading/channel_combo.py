"""Which channels of an image a model looks at: asked wherever there is more than one way to take them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

import napari.layers
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QFormLayout

from napari_medt.controls.layer_combo import ImageLayerCombo
from napari_medt.controls.model_combo import ModelCombo
from napari_medt.controls.reading.channel_roles import ChannelRoles
from napari_medt.viewer.reading import ReadAs, choose_reading, chosen_reading, layer_looks_like_dyes, read_layer
from src_models.errors import UserError
from src_models.images.axes import MOST_CHANNELS, AxesReading, ordinal
from src_models.models.header import ModelHeader

__all__ = ["ChannelCombo", "ChannelOffer", "offer_channels"]


@dataclass(frozen=True, slots=True)
class ChannelOffer:
    """The ways in which an image's channels can be taken.

    Parameters
    ----------
    choices
        Each with words for people; none where there is only one way.
    default
        Which of them is taken where nobody chose; None where a person has to.
    question
        A sentence that asks the person, or tells what is taken unasked; empty where it is plain.
    roles
        What the model's channels are, where each may be given a channel of the image; the choice of that comes last.
    """

    choices: tuple[tuple[ReadAs, str], ...] = ()
    default: ReadAs | None = None
    question: str = ""
    roles: tuple[str, ...] = ()


def offer_channels(reading: AxesReading, header: ModelHeader | None, *, colour_layer: bool, dyes: bool) -> ChannelOffer:
    """Work out the ways to take an image's channels.

    Parameters
    ----------
    reading
        How the image is read where nobody chose a channel.
    header
        Of the model; None if there is none.
    colour_layer
        Whether the viewer shows the image in colour.
    dyes
        Whether its channels look like dyes rather than colours.

    Examples
    --------
    >>> from src_models.images.axes import read_axes
    >>> offer = offer_channels(read_axes((2, 64, 64)), None, colour_layer=False, dyes=False)
    >>> [words for _, words in offer.choices]
    ['only the 1st of 2', 'only the 2nd of 2', 'none: these are 2 slices']
    >>> offer.question
    'There are 2 channels: choose the one to segment.'
    """
    axes_of_channels = [axis for axis in range(len(reading.axes)) if _may_be_channels(reading, axis, colour_layer)]
    if not axes_of_channels:
        return ChannelOffer()
    whole, default, question = _all_channels(reading, header, dyes)
    choices = [(ReadAs(None, (0, 1, 2)) if default is None and not reading.rgb else ReadAs(), whole)] if whole else []
    for axis in axes_of_channels:
        axes = None if reading.axes[axis] == "C" else _with_channels_at(reading.axes, axis)
        where = "" if len(axes_of_channels) == 1 else f", along the {ordinal(axis)} axis"
        size = reading.shape[axis]
        choices += [(ReadAs(axes, (index,)), f"only the {ordinal(index)} of {size}{where}") for index in range(size)]
    spare = next((letter for letter in "ZT" if letter not in reading.axes), None)
    if "C" in reading.axes and spare and not colour_layer:
        words = "slices" if spare == "Z" else "times"
        choices.append((ReadAs(reading.axes.replace("C", spare)), f"none: these are {reading.size('C')} {words}"))
    roles = header.image_channels if header and len(header.image_channels) > 1 and reading.size("C") > 1 else ()
    if roles:
        first = tuple(min(index, reading.size("C") - 1) for index in range(len(roles)))
        choices.append((ReadAs(None, first), f"one each for {', '.join(roles)}..."))
    return ChannelOffer(tuple(choices), default, question, roles)


def _all_channels(reading: AxesReading, header: ModelHeader | None, dyes: bool) -> tuple[str, ReadAs | None, str]:
    """Return words for taking all channels (empty where that cannot be), what is taken unasked, and the question."""
    count = reading.size("C")
    if count == 1:
        return "none", ReadAs(), ""
    wanted = len(header.image_channels) if header else 3
    colours_fit = header is None or header.rgb or wanted == 1
    does = "classify" if header and header.use == "classify" else "segment"
    if (count == 3 or reading.rgb) and colours_fit:
        if dyes:
            question = f"These look like three dyes, not like one colour picture: choose what to {does}."
            return "all, as one colour picture", None, question
        question = "" if reading.rgb else "The three channels are taken for red, green and blue."
        return "all, as one colour picture", ReadAs(), question
    if count == wanted:
        return f"all {count}", ReadAs(), ""
    return "", None, f"There are {count} channels: choose the one to {does}."


def _may_be_channels(reading: AxesReading, axis: int, colour_layer: bool) -> bool:
    letter, size = reading.axes[axis], reading.shape[axis]
    if letter == "C":
        return size > 1
    return letter not in "YX" and 1 < size <= MOST_CHANNELS and not colour_layer


def _with_channels_at(axes: str, axis: int) -> str:
    """Return axes with the channels at a place; what was there goes where they were."""
    return "".join("C" if i == axis else axes[axis] if letter == "C" else letter for i, letter in enumerate(axes))


class ChannelCombo(QComboBox):
    """Choose how an image's channels are taken; what is chosen counts for its layer in every widget.

    Parameters
    ----------
    images, models
        Where the layer and the model are chosen.
    form
        Gets a row for it, which is seen where there is something to choose.
    """

    chosen = Signal()  #: a person chose, and the layer is read anew

    def __init__(self, images: ImageLayerCombo, models: ModelCombo, form: QFormLayout) -> None:
        super().__init__()
        self._images, self._models, self._form = images, models, form
        self._layer: napari.layers.Image | None = None
        self._offer = ChannelOffer()
        self._roles_wanted = False  # rather than the same channels by a shorter way
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.setPlaceholderText("choose...")
        self.setToolTip(
            "What the image's channels are: the colours of one picture, or dyes of which one shows the objects; all "
            "others are then ignored. It counts for this image in the other widgets, too."
        )
        self.roles = ChannelRoles()
        form.addRow("Channels", self)
        form.addRow(self.roles)
        self.roles.chosen.connect(self._on_roles)
        self.activated.connect(self._on_activated)
        images.layer_changed.connect(self._offer_anew)
        models.model_changed.connect(self._offer_anew)
        self._offer_anew()

    @property
    def needed(self) -> bool:
        """Whether there is anything to choose."""
        return bool(self._offer.choices)

    @property
    def question(self) -> str:
        """A sentence that asks the person, or tells what is taken unasked; empty once they chose."""
        return "" if self._is_chosen else self._offer.question

    @property
    def must_choose(self) -> bool:
        """Whether nothing can be done before a person has chosen."""
        return self.needed and self._offer.default is None and not self._is_chosen

    @property
    def _is_chosen(self) -> bool:
        chosen = None if self._layer is None else chosen_reading(self._layer)
        return chosen is not None and not (chosen.typed and chosen.channels is None)

    def _offer_anew(self) -> None:
        """Offer what the layer has; nothing of one that cannot be read, which is said where it is used."""
        self._layer, self._offer = self._images.layer(), ChannelOffer()
        if self._layer is not None:
            with suppress(UserError):
                self._offer = self._offer_of(self._layer, self._models.header())
        with QSignalBlocker(self):
            self.clear()
            for each, words in self._offer.choices:
                self.addItem(words, each)
            chosen = None if self._layer is None else chosen_reading(self._layer)
            read_as = chosen if self._is_chosen else self._offer.default
            self.setCurrentIndex(self._index_of(read_as))
        self._form.setRowVisible(self, self.needed)
        self._offer_roles(read_as)

    def _offer_roles(self, read_as: ReadAs | None) -> None:
        """Ask for a channel for each of the model's, where a person chose that."""
        asked = bool(self._offer.roles) and self.currentIndex() == self.count() - 1
        self._form.setRowVisible(self.roles, asked)
        if asked and read_as is not None and read_as.channels is not None and self._layer is not None:
            header = self._models.header()
            reading = read_layer(self._layer, None, header.dimensions if header else 2, read_as=read_as)
            self.roles.offer(self._offer.roles, reading.size("C"), read_as.channels)

    def _offer_of(self, layer: napari.layers.Image, header: ModelHeader | None) -> ChannelOffer:
        chosen = chosen_reading(layer)
        typed = ReadAs(chosen.axes, typed=True) if chosen and chosen.typed else ReadAs()
        reading = read_layer(layer, None, header.dimensions if header else 2, read_as=typed)
        offer = offer_channels(
            reading, header, colour_layer=bool(layer.rgb), dyes=layer_looks_like_dyes(layer, reading)
        )
        if not typed.typed:
            return offer
        choices = [
            (each if each.axes else replace(typed, channels=each.channels), words) for each, words in offer.choices
        ]
        return ChannelOffer(tuple(choices), offer.default and typed, offer.question, offer.roles)

    def _index_of(self, read_as: ReadAs | None) -> int:
        found = [index for index, (each, _) in enumerate(self._offer.choices) if each == read_as]
        several = (
            read_as is not None and read_as.channels is not None and len(read_as.channels) == len(self._offer.roles)
        )
        if several and self._offer.roles and (self._roles_wanted or not found):
            return len(self._offer.choices) - 1
        return found[0] if found else -1

    def _on_activated(self, index: int) -> None:
        if self._layer is not None:
            self._roles_wanted = bool(self._offer.roles) and index == self.count() - 1
            choose_reading(self._layer, self._offer.choices[index][0])
            self.chosen.emit()

    def _on_roles(self, channels: tuple[int, ...]) -> None:
        chosen = None if self._layer is None else chosen_reading(self._layer)
        if self._layer is not None and chosen is not None:
            choose_reading(self._layer, replace(chosen, channels=channels))
            self.chosen.emit()
