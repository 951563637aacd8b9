"""How the description of a package wants grey values: as an intensity of our headers, and steps with fixed numbers.

What is measured of an image (its mean and deviation, or percentiles) is measured of the whole image here, once, so that
all tiles of it are treated alike; what has fixed numbers is done by the network itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from src_models.errors import ModelFileError
from src_models.models.header import Intensity

__all__ = ["fixed_step", "preparation_of"]

Step = list[Any]


def preparation_of(operations: Iterable[Any], axes: str, channels: int) -> tuple[Intensity, list[Step]]:
    """Read the pre-processing of an input.

    Parameters
    ----------
    operations
        Of the description.
    axes
        Letters of the input's axes.
    channels
        How many channels it has.

    Returns
    -------
    Intensity, list of steps
        What is measured, then :mod:`src_models.models.packages.fixed_steps`.

    Raises
    ------
    ModelFileError
        If an operation is not known, or is measured of each channel by itself.
    """
    intensity: Intensity | None = None
    clipped: tuple[float, float] | None = None
    steps: list[Step] = []
    for operation in operations:
        step = fixed_step(operation)
        if step is not None:
            steps += [step] if step else []
            continue
        if operation.id not in ("clip", "scale_range", "zero_mean_unit_variance"):
            raise ModelFileError(f"its input wants the operation {operation.id}, which is not known here")
        _check_measured(operation, intensity, steps, axes, channels)
        steps = []  # scaling by one positive number, which measuring takes back
        if operation.id == "clip":
            clipped = (operation.kwargs.min_percentile or 0.0, operation.kwargs.max_percentile or 100.0)
            continue
        low, high = clipped or (0.0, 100.0)
        if operation.id == "zero_mean_unit_variance":
            intensity = Intensity(kind="zscore", low=low, high=high)
        elif clipped is None:
            intensity = Intensity(low=operation.kwargs.min_percentile, high=operation.kwargs.max_percentile)
        else:
            raise ModelFileError("its input is clipped to percentiles before scale_range, which is not known here")
        clipped = None
    if clipped is not None:
        raise ModelFileError("its input is clipped to percentiles and not scaled, which is not known here")
    return intensity or Intensity(kind="unscaled", low=0.0, high=1.0), steps


def fixed_step(operation: Any) -> Step | None:
    """Return an operation with fixed numbers as a step: an empty one where nothing is to be done; None of any other.

    Raises
    ------
    ModelFileError
        If its numbers are those of another axis than the channels.
    """
    given = operation.kwargs
    axis = getattr(given, "axis", None)
    if axis is not None and str(axis) != "channel":
        raise ModelFileError(f"its operation {operation.id} runs along the axis {axis}, which is not known here")
    match operation.id:
        case "ensure_dtype":
            return []
        case "scale_linear":
            return ["scale", given.gain, given.offset]
        case "fixed_zero_mean_unit_variance":
            if isinstance(given.mean, float | int):
                return ["scale", 1 / given.std, -given.mean / given.std]
            pairs = list(zip(given.mean, given.std, strict=True))
            return ["scale", [1 / std for _, std in pairs], [-mean / std for mean, std in pairs]]
        case "clip" if given.min_percentile is None and given.max_percentile is None:
            return ["clip", given.min, given.max]
        case "binarize":
            return ["binarize", given.threshold]
        case "sigmoid" | "softmax":
            return [operation.id]
    return None


def _check_measured(
    operation: Any, intensity: Intensity | None, steps: Sequence[Step], axes: str, channels: int
) -> None:
    if intensity is not None:
        raise ModelFileError(f"its input is measured and scaled twice ({operation.id}), which is not known here")
    if not all(name == "scale" and isinstance(numbers[0], float) and numbers[0] > 0 for name, *numbers in steps):
        raise ModelFileError(f"its input is changed before it is measured ({operation.id}), which is not known here")
    over = getattr(operation.kwargs, "axes", None)
    jointly = {"batch": "b", "channel": "c"}
    named = {jointly.get(str(axis), str(axis)) for axis in over} if over is not None else set(axes)
    needed = {letter for letter in axes if letter in "zyx"} | ({"c"} if channels > 1 else set())
    if not needed <= named:
        what = "each channel by itself" if needed - named == {"c"} else "parts of an image"
        raise ModelFileError(
            f"its input is scaled by what is measured of {what} ({operation.id}), which is not done here"
        )
    if getattr(operation.kwargs, "reference_tensor", None) is not None:
        raise ModelFileError("its input is scaled by what is measured of another image, which is not known here")
