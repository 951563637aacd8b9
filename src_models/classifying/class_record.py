"""What is known of a picture whose class a person gave: where it is from, what was said of it, by whom, and when."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime

from src_models.corrections.correction import Source
from src_models.errors import DataSetError

__all__ = ["ClassRecord"]

SCHEMA_VERSION = 1
SAME = 1.0  # px: objects whose middles are nearer are the same


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRecord:
    """What is known of a picture besides its pixels; stored as JSON.

    Parameters
    ----------
    source
        The image and the plane that it was cut out of.
    position
        The object's middle there, y and x (px).
    class_name
        The class that a person gave it.
    object_id
        Its number in the labels, if it was an object.
    zoom
        Factor by which the model saw the image enlarged: the picture is of the model's size divided by it.
    found, probability
        What the model had said, and how surely; None where none was asked.
    model_name, model_sha256
        That model.
    by
        Who gave the class, as they call themselves.
    time
        When (ISO 8601, UTC).
    """

    source: Source
    position: tuple[float, float]
    class_name: str
    object_id: int | None = None
    zoom: float = 1.0
    found: str | None = None
    probability: float | None = None
    model_name: str | None = None
    model_sha256: str | None = None
    by: str | None = None
    time: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    schema_version: int = SCHEMA_VERSION

    def is_same_object(self, other: ClassRecord) -> bool:
        """Whether two records are of one object."""
        return self.source.same_place == other.source.same_place and math.dist(self.position, other.position) < SAME

    def to_json(self) -> str:
        """Return the record as a JSON object."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True, indent=1)

    @classmethod
    def from_json(cls, text: str, name: str) -> ClassRecord:
        """Read a record back.

        Raises
        ------
        DataSetError
            If it is none, or comes from a newer version.
        """
        try:
            raw = json.loads(text)
            if raw["schema_version"] > SCHEMA_VERSION:
                raise DataSetError(f"{name} was written by a newer napari-medt: update it to use this folder")
            position = tuple(raw["position"])
            return cls(**{**raw, "source": Source.from_fields(raw["source"]), "position": position})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, DataSetError):
                raise
            raise DataSetError(f"{name}: this is no record of a class ({error}); withdraw the picture") from error
