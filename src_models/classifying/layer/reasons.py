"""What a viewer shows over an object, a tile or an image of a run: what speaks for a class, and where a model looks.

The network is asked about the very picture that it saw in the run, so a map is of the answer in the table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from src_models.attention.words import head_words, map_words, view_words
from src_models.errors import UserError
from src_models.models.loaded import load_model

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from src_models.attention.placed_map import PlacedMap
    from src_models.classifying.layer.layer_run import ClassResult
    from src_models.classifying.picture_maps import PictureMaps
    from src_models.images.region import Region

__all__ = ["PictureMap", "Reasons"]


@dataclass(frozen=True, slots=True, eq=False)
class PictureMap:
    """A map of the picture that the model saw of an object.

    Parameters
    ----------
    own, title
        The object, and what is shown, such as ``"speaks for round"``.
    region
        The plane that the object is in.
    map
        A value for each pixel of the picture that shows the image; its place is in pixels of the region's cut-out.
    query
        The middle (px of the cut-out) of the cell that is asked where it looks; None of other maps.
    """

    own: int
    title: str
    region: Region
    map: PlacedMap
    query: tuple[float, float] | None = None


class Reasons:
    """One object of a run, about which a model can be asked.

    The picture is read once, and the network is run once for all that is recorded of it: a few megabytes, which are
    kept as long as this is.

    Parameters
    ----------
    result
        The run.
    own
        The object.

    Attributes
    ----------
    region
        The plane that it is in.
    """

    def __init__(self, result: ClassResult, own: int) -> None:
        self.result = result
        self.own = own
        self._row = result.table.row(own)
        self.region = plane_of(result.run.region, tuple(result.found.planes[self._row].tolist()))

    def relevance(self, name: str) -> PictureMap:
        """Return which places speak for a class.

        Parameters
        ----------
        name
            A class of the model.

        Raises
        ------
        UserError
            If the model does not know the class, or is gone.
        """
        known = self.result.table.of_model
        if name not in known:
            raise UserError(f"the model does not know the class {name!r} yet: let it learn, or ask about another class")
        with self._computing():
            placed = self._maps.relevance(known.index(name), name)
        return PictureMap(self.own, f"speaks for {name}", self.region, placed)

    def recorded(self, name: str) -> PictureMap:
        """Return a map that was recorded: what is looked at, or what is taken of two stages.

        Parameters
        ----------
        name
            One of :attr:`~src_models.classifying.layer.layer_run.ClassResult.maps`.

        Raises
        ------
        UserError
            If the model has no such map, or is gone.
        """
        if name not in self.result.maps:
            raise UserError(f"the model has no map {name!r}; it has {', '.join(self.result.maps) or 'none'}")
        with self._computing():
            placed = self._maps.recorded(name)
        return PictureMap(self.own, map_words(name, placed.kind).name, self.region, placed)

    def look(self, view: str, place: tuple[float, float] | None = None, head: int | None = None) -> PictureMap:
        """Return where a layer of attention looks from a place.

        Parameters
        ----------
        view
            One of :attr:`~src_models.classifying.layer.layer_run.ClassResult.views`.
        place
            Row and column (px of the region's cut-out); None takes the middle of the object.
        head
            One of the layer's heads, from 0; None takes the mean over them.

        Raises
        ------
        UserError
            If there is no such layer or head, the model did not see the place, or is gone.
        """
        if view not in self.result.views:
            raise UserError(f"the model has no attention {view!r}; it has {', '.join(self.result.views) or 'none'}")
        with self._computing():
            placed, query = self._maps.look(view, place, head)
        title = view_words(view, placed.kind)
        title += "" if head is None else f" ({head_words('', head, self.result.heads[view])})"
        return PictureMap(self.own, title, self.region, placed, query)

    def _computing(self) -> AbstractContextManager[object]:
        from src_models.computing.execution import computing_threads

        return computing_threads(self.result.run.threads or None)

    @cached_property
    def _maps(self) -> PictureMaps:
        from src_models.classifying.picture_maps import PictureMaps
        from src_models.classifying.pictures.seen import seen_picture
        from src_models.images.model_image import ModelImage

        run, model = self.result.run, load_model(self.result.run.model)
        cut, called = run.region.cut(run.data), f"layer {run.layer_name!r}"
        image = ModelImage(
            cut,
            model.header,
            axes=run.region.sub_reading(cut, called),
            channels=run.region.sub_chosen,
            intensity=run.grey_range,
            name=called,
        )
        return PictureMaps(model.network, seen_picture(image, self.result.found, self._row))


def plane_of(region: Region, plane: tuple[int, ...]) -> Region:
    """Return the part of a region that is one plane of it."""
    rest, index = iter(plane), []
    for letter, cut in zip(region.letters, region.index, strict=True):
        inside = isinstance(cut, slice) and letter not in "YXC"
        index.append(cut.start + next(rest) if inside and isinstance(cut, slice) else cut)
    return replace(region, index=tuple(index))
