"""What the model of clicks learns from: nothing that it is judged on, each domain alike, no border that is a guess."""

import csv
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from benchmarks.click_sets import EMPHASIS, LEARNT, UNSEEN, judged, learnt_shares, object_images, parts
from benchmarks.train_click import MADE_UP, header


def test_domains_are_learnt_from_by_their_emphasis_however_many_sets_they_have():
    shares = Counter()
    for of, share in zip(LEARNT, learnt_shares(), strict=True):
        shares[of.domain] += share
    assert len(shares) == 8
    assert set(EMPHASIS) < set(shares)
    usual = shares["tumours"]
    assert {domain: share / usual for domain, share in shares.items()} == pytest.approx(
        {domain: EMPHASIS.get(domain, 1.0) for domain in shares}
    )
    assert sum(shares.values()) == pytest.approx(1)
    assert pytest.approx(1 / (1 + len(shares))) == MADE_UP


def test_a_model_tells_of_all_sets_that_it_learnt_from_whose_they_are():
    told = header().training["data"]
    for of in LEARNT:
        (line,) = [line for line in told if line.startswith(f"{of.folder}: {of.shows};")]
        assert any(licence in line for licence in ("CC0", "MIT", "CC BY 4.0", "CC BY 3.0", "Apache-2.0"))
    assert told[-1] == "made-up images"
    assert not {of.folder for of in UNSEEN} & {of.folder for of in LEARNT}


@pytest.mark.parametrize("of", LEARNT, ids=lambda of: f"{of.folder} {of.shows}")
def test_nothing_that_is_judged_or_kept_for_a_test_is_learnt_from(of, shared):
    data = shared / "data"
    learnt, aside = parts(data, of)
    assert learnt
    assert aside
    assert not {sample.name for sample in learnt} & {sample.name for sample in aside}
    assert {sample.name for sample in judged(data, of)} == {sample.name for sample in aside}
    with (data / of.folder / "manifest.csv").open(newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    for sample in learnt:
        row = rows[sample.name]
        assert row.get("split", "train") == "train"
        assert of.rows is None or row[of.rows[0]] == of.rows[1]
    for person in ("case", "patient", "mouse"):  # who is judged was not learnt from
        assert not {rows[s.name].get(person, 0) for s in learnt} & {rows[s.name].get(person, 1) for s in aside}


def test_objects_whose_borders_were_guessed_are_no_targets(shared):
    of = next(of for of in LEARNT if of.folder == "nuinsseg_he")
    samples = parts(shared / "data", of)[0][:12]
    dropped = 0
    for sample, image in zip(samples, object_images(samples, of, header()), strict=True):
        guessed = np.asarray(Image.open(shared / "data" / of.folder / "uncertain" / sample.name)) > 0
        shares = {number: guessed[image.labels == number].mean() for number in np.unique(image.labels)[1:]}
        assert all(shares[number] < 0.5 for number in image.boxes)
        dropped += sum(share >= 0.5 for share in shares.values())
    assert dropped > 0
