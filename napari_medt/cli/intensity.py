"""Reading the option ``--intensity``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from src_models.models.header import Intensity

__all__ = ["parse_intensity"]

KINDS = ("percentile", "zscore", "window", "signed-window")


def parse_intensity(text: str) -> Intensity:
    """Read KIND:LOW:HIGH, such as ``percentile:0.5:99.8`` or ``window:-160:240``.

    Raises
    ------
    UserError
        If it is of another form, or of a kind that there is not.
    """
    from src_models.errors import UserError
    from src_models.models.header import Intensity

    kind, *numbers = text.split(":")
    try:
        low, high = (float(number) for number in numbers)
    except ValueError:
        raise UserError(
            f"--intensity {text!r} is not of the form KIND:LOW:HIGH, such as percentile:0.5:99.8 or window:-160:240"
        ) from None
    if kind not in KINDS:
        raise UserError(f"--intensity {kind!r} is not one of {', '.join(KINDS)}")
    return Intensity(kind=cast("Any", kind), low=low, high=high)
