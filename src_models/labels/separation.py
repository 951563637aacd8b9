"""What a network learns besides classes so that objects can be told apart, and objects from what it predicts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.labels.distance import distance_of_labels, labels_from_distance
from src_models.labels.flows import flows_of_labels, labels_from_flows
from src_models.labels.instances import labels_from_probabilities
from src_models.models.header import InstanceSettings, instance_classes

__all__ = ["fields_of_labels", "objects_from_outputs"]


def fields_of_labels(labels: NDArray[Any], settings: InstanceSettings) -> NDArray[np.float32]:
    """Return the fields (F, *S) that a network learns from objects (*S); none, (0, *S), where classes tell all."""
    if settings.separation == "distance":
        return distance_of_labels(labels)
    if settings.separation == "flows":
        return flows_of_labels(labels)
    return np.zeros((0, *labels.shape), np.float32)


def objects_from_outputs(outputs: NDArray[Any], settings: InstanceSettings) -> NDArray[np.int32]:
    """Return the objects in what a network gives.

    Parameters
    ----------
    outputs
        Class probabilities, then fields, (C + F, *S).
    settings
        How objects are told apart.

    Returns
    -------
    ndarray of int32, shape (*S)
        Objects numbered from 1; 0 is background.
    """
    classes = len(instance_classes(settings.separation))
    if settings.separation == "boundary":
        return labels_from_probabilities(outputs[:classes], settings)
    chance, fields = np.asarray(outputs[1], np.float32), np.asarray(outputs[classes:], np.float32)
    if settings.separation == "distance":
        return labels_from_distance(chance, fields[0], settings)
    return labels_from_flows(chance, fields, settings)
