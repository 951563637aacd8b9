"""``napari-medt classify --why``: which maps of why a person wants, and where they go, for one image or for many."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medt.cli import options
from napari_medt.cli.console import Console
from src_models.errors import UserError

if TYPE_CHECKING:
    from src_models.classifying.class_probabilities import Classified
    from src_models.classifying.reason_files import Looking
    from src_models.files.images import ImageFile
    from src_models.images.grey.grey_range import GreyRange
    from src_models.models.checkpoint import Model as LoadedModel
    from src_models.models.header import ModelHeader

__all__ = ["Why", "why_of"]

MIDDLE, MEAN, EACH = "middle", "mean", "each"


@dataclass(frozen=True, slots=True)
class Why:
    """Where maps of what speaks for a class go, and what other maps.

    Parameters
    ----------
    folder
        Where to.
    kind
        What is classified: ``"objects"``, ``"tiles"`` or ``"image"``.
    maps
        Names of recorded maps that are wanted, too.
    looking
        Where layers of attention look from, if that is wanted.
    """

    folder: Path
    kind: str
    maps: list[str]
    looking: Looking | None = None

    def check(self, name: str) -> None:
        """Refuse maps of an image from before.

        Raises
        ------
        UserError
            If there are any.
        """
        from src_models.classifying.reason_files import check_reasons

        check_reasons(self.folder, name, self.kind)

    def there(self, name: str) -> bool:
        """Return whether there are maps of an image."""
        from src_models.classifying.reason_files import reasons_are_there

        return reasons_are_there(self.folder, name, self.kind)

    def write(
        self,
        console: Console,
        image: ImageFile,
        model: LoadedModel,
        found: Classified,
        grey_range: GreyRange | None,
        *,
        overwrite: bool,
    ) -> None:
        """Write the maps of an image, behind a progress bar."""
        from src_models.classifying.reason_files import write_reasons
        from src_models.progress import finish

        steps = write_reasons(
            self.folder,
            image,
            model,
            found,
            maps=self.maps,
            looking=self.looking,
            grey_range=grey_range,
            overwrite=overwrite,
        )
        with console.bar(image.name) as report:
            count = finish(steps, report)
        console.say(f"  {count} maps of why -> {self.folder}")


def why_of(
    header: ModelHeader,
    folder: Path | None,
    *,
    kind: str,
    maps: str | None,
    place: str | None,
    layers: list[str] | None,
    head: str | None,
) -> Why | None:
    """Return what a person wants of why, of options as they were typed; None where they want nothing.

    Parameters
    ----------
    header
        The model's.
    folder
        Where to.
    kind
        What is classified.
    maps
        Names of recorded maps with commas between them, or "all".
    place
        A pixel to look from, such as "120,64", or "middle".
    layers
        Layers of attention that are asked; None for all.
    head
        "mean", "each", or the number of a head, from 0.

    Raises
    ------
    UserError
        If options do not go together, or the model has no such map, layer or head.
    """
    from src_models.models.architectures import choose_attention

    given = {"--maps": maps, "--from": place, "--layer": layers, "--head": head}
    if folder is None:
        for option, value in given.items():
            if value is not None:
                raise UserError(f"{option} says what else is written to --why: give that, too")
        return None
    for option in ("--layer", "--head"):
        if given[option] is not None and place is None:
            raise UserError(
                f"{option} says which attention looks --from a place: give that, too, such as --from middle"
            )
    options.check_results_folder(folder)
    each = maps == "all" if maps in (None, "all") else [name.strip() for name in str(maps).split(",")]
    return Why(folder, kind, choose_attention(header, each), _looking(header, place, layers, head))


def _looking(header: ModelHeader, place: str | None, layers: list[str] | None, head: str | None) -> Looking | None:
    from src_models.classifying.reason_files import Looking
    from src_models.models.architectures import find_architecture

    if place is None:
        return None
    known = find_architecture(header.architecture).heads(header.config)
    if not known:
        raise UserError(
            f"the model {header.name!r} is a {header.architecture}, which has no attention that looks from a place; "
            "leave out --from"
        )
    unknown = [name for name in layers or () if name not in known]
    if unknown:
        raise UserError(f"--layer: the model {header.name!r} has no {unknown[0]!r}; choose from {', '.join(known)}")
    heads = {name: _heads(head, count, name) for name, count in known.items() if not layers or name in layers}
    return Looking(heads, None if place == MIDDLE else _place(place))


def _heads(head: str | None, count: int, layer: str) -> list[int | None]:
    if head in (None, MEAN):
        return [None]
    if head == EACH:
        return list(range(count))
    try:
        number = int(str(head))
    except ValueError:
        raise UserError(f"--head takes the number of a head, {MEAN} or {EACH}, not {head!r}") from None
    if not 0 <= number < count:
        raise UserError(f"--head {number}: {layer} has the heads 0 to {count - 1}; choose layers with --layer")
    return [number]


def _place(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UserError(
            f"--from takes a pixel, such as 120,64 (row and column; of a stack with its plane first), or {MIDDLE}, not "
            f"{text!r}"
        ) from None
