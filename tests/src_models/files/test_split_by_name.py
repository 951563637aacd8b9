"""A name's number is that of its hash, the same on all machines."""

from __future__ import annotations

import hashlib

import numpy as np

from src_models.files.split_by_name import fraction_of


def test_the_fraction_is_the_hash_as_a_share_of_all_hashes():
    digest = hashlib.sha256("zelle-ä.png".encode()).hexdigest()
    assert fraction_of("zelle-ä.png") == int(digest[:16], 16) / 16**16


def test_names_are_spread_evenly():
    fractions = np.array([fraction_of(f"{number}.png") for number in range(4000)])
    assert np.abs(np.quantile(fractions, (0.15, 0.5, 0.85)) - (0.15, 0.5, 0.85)).max() < 0.03
