"""The last runs on every image layer, so that one widget can look at what another has computed."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from napari_medt.viewer.reading import full_resolution
from src_models.images.grey.grey_range import GreyRange
from src_models.images.region import Region

if TYPE_CHECKING:
    import napari.layers

    from src_models.prediction.jobs import RegionResult

__all__ = ["recall", "remember"]

# Runs kept of each layer: planes that a person goes to and fro between, and two models that are compared.
_MOST = 8

_Key = tuple[Path, str]

_runs: WeakKeyDictionary[napari.layers.Image, OrderedDict[_Key, RegionResult]] = WeakKeyDictionary()


def remember(image: napari.layers.Image, outcome: RegionResult) -> None:
    """Keep a run for as long as its layer lives; the oldest of too many goes."""
    runs = _runs.setdefault(image, OrderedDict())
    key = _key(outcome.job.settings.model, outcome.job.region, outcome.job.settings.grey_range)
    runs[key] = outcome
    runs.move_to_end(key)
    while len(runs) > _MOST:
        runs.popitem(last=False)


def recall(
    image: napari.layers.Image, model: Path, region: Region, grey_range: GreyRange | None = None
) -> RegionResult | None:
    """Return the last run of a model file on a part of a layer and these grey values, if its data are the same."""
    outcome = _runs.get(image, OrderedDict()).get(_key(model, region, grey_range))
    if outcome is None or outcome.job.data is not full_resolution(image):
        return None
    return outcome


def _key(model: Path, region: Region, grey_range: GreyRange | None) -> _Key:
    grey = None if grey_range is None else grey_range.text
    return model, f"{region.letters} {region.index} {region.chosen} {grey}"  # slices cannot be keys
