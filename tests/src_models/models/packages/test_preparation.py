"""Pre-processing of a description: what is measured of an image, and what has fixed numbers."""

import numpy as np
import pytest

from src_models.errors import ModelFileError
from src_models.images.grey.intensity import measure
from src_models.models.header import Intensity
from src_models.models.packages.preparation import preparation_of

form = pytest.importorskip("bioimageio.spec.model.v0_5")

DTYPE = {"id": "ensure_dtype", "kwargs": {"dtype": "float32"}}


def parsed(*operations):
    made = {
        "ensure_dtype": form.EnsureDtypeDescr, "clip": form.ClipDescr, "scale_linear": form.ScaleLinearDescr,
        "zero_mean_unit_variance": form.ZeroMeanUnitVarianceDescr, "scale_range": form.ScaleRangeDescr,
        "fixed_zero_mean_unit_variance": form.FixedZeroMeanUnitVarianceDescr, "binarize": form.BinarizeDescr,
        "sigmoid": form.SigmoidDescr, "scale_mean_variance": form.ScaleMeanVarianceDescr,
    }  # fmt: skip
    return [made[operation["id"]].model_validate(operation) for operation in operations]


def of(*operations, channels=1):
    return preparation_of(parsed(*operations), "bcyx", channels)


@pytest.mark.parametrize(
    ("operations", "wanted"),
    [
        ([DTYPE, {"id": "zero_mean_unit_variance"}], (Intensity(kind="zscore", low=0, high=100), [])),
        ([{"id": "scale_linear", "kwargs": {"gain": 0.5}}, {"id": "zero_mean_unit_variance"}],
         (Intensity(kind="zscore", low=0, high=100), [])),
        ([{"id": "clip", "kwargs": {"min_percentile": 1, "max_percentile": 99}}, {"id": "zero_mean_unit_variance"}],
         (Intensity(kind="zscore", low=1, high=99), [])),
        ([{"id": "scale_range", "kwargs": {"min_percentile": 2, "max_percentile": 98}}, DTYPE,
          {"id": "clip", "kwargs": {"min": 0, "max": 1}}], (Intensity(low=2, high=98), [["clip", 0.0, 1.0]])),
        ([{"id": "scale_linear", "kwargs": {"axis": "channel", "gain": [2], "offset": [1]}}],
         (Intensity(kind="unscaled", low=0, high=1), [["scale", [2.0], [1.0]]])),
        ([{"id": "fixed_zero_mean_unit_variance", "kwargs": {"axis": "channel", "mean": [4], "std": [2]}}],
         (Intensity(kind="unscaled", low=0, high=1), [["scale", [0.5], [-2.0]]])),
        ([{"id": "binarize", "kwargs": {"threshold": 3}}, {"id": "sigmoid"}],
         (Intensity(kind="unscaled", low=0, high=1), [["binarize", 3.0], ["sigmoid"]])),
        ([], (Intensity(kind="unscaled", low=0, high=1), [])),
    ],
)  # fmt: skip
def test_operations_become_an_intensity_and_steps(operations, wanted):
    assert of(*operations) == wanted


@pytest.mark.parametrize(
    ("operations", "channels", "why"),
    [
        ([{"id": "zero_mean_unit_variance", "kwargs": {"axes": ["y", "x"]}}], 3, "each channel by itself"),
        ([{"id": "scale_range", "kwargs": {"axes": ["channel", "x"]}}], 1, "parts of an image"),
        ([{"id": "zero_mean_unit_variance"}, {"id": "scale_range"}], 1, "twice"),
        ([{"id": "sigmoid"}, {"id": "scale_range"}], 1, "changed before it is measured"),
        ([{"id": "clip", "kwargs": {"min_percentile": 1}}], 1, "clipped to percentiles and not scaled"),
        ([{"id": "scale_range", "kwargs": {"reference_tensor": "other"}}], 1, "of another image"),
        ([{"id": "scale_linear", "kwargs": {"axis": "y", "gain": [2, 3]}}], 1, "along the axis y"),
        ([{"id": "scale_mean_variance", "kwargs": {"reference_tensor": "other"}}], 1, "scale_mean_variance"),
    ],
)
def test_what_is_not_done_here_is_named(operations, channels, why):
    with pytest.raises(ModelFileError, match=why):
        of(*operations, channels=channels)


def test_one_channel_is_measured_by_itself_whether_named_or_not():
    intensity, _ = of({"id": "zero_mean_unit_variance", "kwargs": {"axes": ["y", "x"]}})
    image = np.random.default_rng(0).normal(40, 5, (50, 40))
    np.testing.assert_allclose(measure(image, intensity)(image), (image - image.mean()) / image.std(), atol=1e-5)
