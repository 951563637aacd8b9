"""Scores by domain and by set."""

from pathlib import Path

import numpy as np

from benchmarks.domain_accuracy import by_domain
from src_models.evaluating.scores import Evaluation, ImageScore
from src_models.files.samples import Sample
from src_models.labels.metrics import match_objects, pixel_counts
from src_models.models.header import ModelHeader

HEADER = ModelHeader(
    name="m",
    purpose="",
    architecture="unet",
    config={},
    classes=("background", "interior", "boundary"),
    channels=("grey",),
    result="instances",
)


def scored(name, found):
    truth = np.zeros((10, 20), int)
    truth[2:6, 2:6], truth[2:6, 12:16] = 1, 2
    prediction = np.where(truth <= found, truth, 0)
    pixels = pixel_counts(prediction > 0, truth > 0, classes=2)
    return ImageScore(Sample(name, Path(name), Path(name)), pixels, match_objects(truth, prediction))


def test_each_image_counts_in_its_domain_and_in_its_set(tmp_path):
    (tmp_path / "manifest.csv").write_text(
        "file,split,source,domain\na,val,one,stained\nb,val,two,stained\nc,val,two,blood\nd,train,one,stained\n"
    )
    images = (scored("a", 2), scored("b", 1), scored("c", 0))
    found = Evaluation(tmp_path, "val", HEADER, None, None, ("background", "object"), images)
    aps = {part: (len(of.images), of.mean.ap50) for part, of in by_domain(found, tmp_path).items()}
    assert aps == {
        ("blood", ""): (1, 0.0),
        ("blood", "two"): (1, 0.0),
        ("stained", ""): (2, 0.75),
        ("stained", "one"): (1, 1.0),
        ("stained", "two"): (1, 0.5),
    }
