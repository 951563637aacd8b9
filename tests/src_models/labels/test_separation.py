"""Whatever tells objects apart, what is learnt from objects leads back to them."""

import numpy as np
import pytest

from src_models.labels.instances import targets_from_labels
from src_models.labels.separation import fields_of_labels, objects_from_outputs
from src_models.models.header import InstanceSettings, instance_classes

WAYS = {
    "boundary": InstanceSettings(min_size=4),
    "distance": InstanceSettings(separation="distance", smoothing=1.0, depth=0.1, min_size=4),
    "flows": InstanceSettings(separation="flows", min_size=4),
}


@pytest.mark.parametrize("way", WAYS)
def test_objects_in_a_row_come_back_from_a_network_that_is_sure(way):
    y, x = np.mgrid[:30, :120]
    labels = np.zeros((30, 120), np.int32)
    for number, centre in enumerate((16, 38, 60, 95), start=1):
        labels[(np.hypot(y - 15, x - centre) < 11.5) & (labels == 0)] = number
    classes = targets_from_labels(labels) if way == "boundary" else labels > 0
    sure = np.stack([classes == value for value in range(len(instance_classes(way)))]).astype(np.float32)
    found = objects_from_outputs(np.concatenate([sure, fields_of_labels(labels, WAYS[way])]), WAYS[way])
    np.testing.assert_array_equal(found > 0, labels > 0)
    assert found.max() == 4
    for number in range(1, 5):
        assert np.bincount(found[labels == number]).max() > 0.97 * (labels == number).sum()


def test_boundaries_need_no_fields():
    assert fields_of_labels(np.ones((5, 6), int), WAYS["boundary"]).shape == (0, 5, 6)
