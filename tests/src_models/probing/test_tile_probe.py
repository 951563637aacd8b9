"""What all probes share: tiles are seen once, and the one that was not asked about for longest goes first."""

from dataclasses import dataclass

import numpy as np
import pytest

from src_models.errors import UserError
from src_models.probing.tile_probe import TileProbe


@dataclass(frozen=True)
class Mean:
    """The mean of a tile, which counts as ten bytes."""

    value: float
    bytes: int = 10


class MeanProbe(TileProbe[Mean]):
    kind = "mean"
    asked = ("mean",)

    def __init__(self, *args, **kwargs):
        self.runs = 0
        super().__init__(*args, **kwargs)

    @property
    def _asked(self):
        return self.asked

    def _see(self, batch):
        self.runs += 1
        return Mean(float(batch.mean()))

    def at(self, pixel):
        self._check(pixel)
        _, tile = self._nearest(pixel)
        return self._seen(tile, self.first_plane).value


@pytest.fixture
def probe(make_model):
    image = np.repeat(np.linspace(0, 1, 256, dtype=np.float32)[None], 64, 0)
    return MeanProbe(image, make_model(), device="cpu", budget=25)


def test_a_tile_is_seen_once_as_long_as_it_is_kept(probe):
    left, right = probe.at((3, 3)), probe.at((3, 250))
    assert left < right
    assert (probe.at((60, 5)), probe.at((60, 251))) == (left, right)
    assert (probe.runs, probe.kept_bytes) == (2, 20)


def test_what_was_not_asked_about_for_longest_goes_first(probe):
    for column in (3, 250, 3, 128):
        probe.at((3, column))
    assert probe.runs == 3
    probe.at((3, 3))
    assert probe.runs == 3
    probe.at((3, 250))
    assert probe.runs == 4


def test_the_tile_in_use_stays_whatever_the_budget(probe):
    probe.budget = 1
    probe.at((3, 3))
    assert probe.kept_bytes == 10


def test_pixels_beside_the_image_and_networks_without_the_attention_are_refused(probe, make_model, monkeypatch):
    with pytest.raises(UserError, match=r"\(3, 256\) lies outside of the image, which has 64 x 256"):
        probe.at((3, 256))
    monkeypatch.setattr(MeanProbe, "asked", ())
    with pytest.raises(UserError, match="is a attention-unet, which has no mean"):
        MeanProbe(np.zeros((64, 64), np.float32), make_model())
