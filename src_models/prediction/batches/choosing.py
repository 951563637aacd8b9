"""Which of many images are worked on, and which are left: settled before the work, for whoever has it done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from src_models.errors import ImageError, OutputError, UserError

if TYPE_CHECKING:
    from src_models.files.image_list import OneImage
    from src_models.prediction.to_file import Results

__all__ = ["Choice", "Place", "ResultsPlace", "check_names", "choose_image"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where results go: folder, attention maps among them, labels' name in an OME-Zarr image, and format of scans'."""

    output: Path
    maps: Sequence[str] = ()
    into: str | None = None
    scan_format: str = "nifti"

    def results(self, image: OneImage) -> Results:
        """Return where the results of an image go."""
        from src_models.prediction.to_file import Results

        return Results.of(
            image.path, self.output, self.maps, series=image.series, into=self.into, scan_format=self.scan_format
        )

    def check(self, image: OneImage, *, overwrite: bool) -> None:
        """Refuse the place of an image's record if something else is there."""
        from src_models.prediction.record import check_record
        from src_models.prediction.to_file import labels_path

        check_record(labels_path(self.output, image.name, ".tif"), overwrite=overwrite)


class ResultsPlace(Protocol):
    """Where results of any kind of work go."""

    def results(self, image: OneImage) -> Results:
        """Return where the results of an image go."""
        ...

    def check(self, image: OneImage, *, overwrite: bool) -> None:
        """Refuse the place of an image's record if something else is there."""
        ...


@dataclass(frozen=True, slots=True)
class Choice:
    """What becomes of an image.

    Parameters
    ----------
    does
        ``"work"``: it is worked on; ``"skip"``: it has all its results, and such are passed over; ``"leave"``: there
        are results that may not be replaced; ``"fail"``: it cannot be worked on.
    existing
        What is there already of one that is left, or passed over.
    why
        The sentence on one that fails.
    """

    does: Literal["work", "skip", "leave", "fail"]
    existing: tuple[Path, ...] = ()
    why: str = ""


def check_names(images: Sequence[OneImage]) -> None:
    """Refuse images whose results would have the same name.

    Raises
    ------
    OutputError
        If there are any.
    """
    titles: dict[str, list[str]] = {}
    for image in images:
        titles.setdefault(image.name, []).append(image.title)
    for stem, alike in titles.items():
        if len(alike) > 1:
            raise OutputError(
                f"{len(alike)} of the images are called {stem!r} ({', '.join(alike)}) and their results "
                "would have the same name; have them in different folders"
            )


def choose_image(image: OneImage, place: ResultsPlace, *, skip_existing: bool, overwrite: bool) -> Choice:
    """Choose what becomes of an image, before any is opened.

    Parameters
    ----------
    image
        The image.
    place
        Where its results go.
    skip_existing
        Whether an image is passed over that has all its results.
    overwrite
        Whether results that are there are replaced.
    """
    try:
        results = place.results(image)
        existing = tuple(results.existing)
        if skip_existing and results.complete:
            return Choice("skip", existing)
        if existing and not overwrite:
            return Choice("leave", existing)
        if not image.path.exists():
            raise ImageError(f"{image.path}: there is no such file; check the name")
        if image.error is not None:
            raise image.error
        place.check(image, overwrite=overwrite)
    except UserError as error:
        return Choice("fail", why=str(error))
    return Choice("work")
