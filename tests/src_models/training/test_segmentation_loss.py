"""The loss of classes and fields together."""

import pytest
import torch

from src_models.models.header import InstanceSettings, ModelHeader
from src_models.training.masked_loss import IGNORED, masked_ce, masked_dice_ce
from src_models.training.segmentation_loss import class_logits, class_targets, masked_fields, segmentation_loss


def header(separation):
    classes = ("background", "interior", "boundary") if separation == "boundary" else ("background", "object")
    return ModelHeader(
        name="x",
        purpose="",
        architecture="unet",
        config={},
        classes=classes,
        channels=("grey",),
        result="instances",
        instances=InstanceSettings(separation=separation),
    )


def batch():
    torch.manual_seed(0)
    outputs = torch.randn(2, 4, 6, 5, requires_grad=True)
    classes = torch.randint(-1, 2, (2, 1, 6, 5)).float()
    return outputs, torch.cat([classes, torch.randn(2, 2, 6, 5)], 1)


def test_fields_count_by_their_squared_error_on_the_pixels_of_objects_alone():
    outputs, targets = batch()
    total, count = 0.0, 0
    for n in range(2):
        for y in range(6):
            for x in range(5):
                if targets[n, 0, y, x] == 1:
                    total += float(((outputs[n, 2:, y, x] - targets[n, 1:, y, x]) ** 2).sum())
                    count += 1
    found = masked_fields(outputs[:, 2:], targets[:, 1:], targets[:, 0].long())
    assert float(found) == pytest.approx(total / count, rel=1e-5)


@pytest.mark.parametrize(("name", "of_classes"), [("dice-ce", masked_dice_ce), ("ce", masked_ce)])
def test_the_loss_is_that_of_classes_and_that_of_fields(name, of_classes):
    outputs, targets = batch()
    expected = of_classes(outputs[:, :2], targets[:, 0].long()) + masked_fields(
        outputs[:, 2:], targets[:, 1:], targets[:, 0].long()
    )
    assert float(segmentation_loss(header("flows"), name)(outputs, targets)) == pytest.approx(float(expected))


def test_pixels_that_do_not_count_teach_nothing():
    outputs, targets = batch()
    segmentation_loss(header("flows"))(outputs, targets).backward()
    left_out = (targets[:, 0] == IGNORED)[:, None].expand_as(outputs)
    assert not outputs.grad[left_out].any()
    assert outputs.grad[~left_out].any()


def test_a_network_without_fields_has_the_loss_of_its_classes():
    logits, classes = torch.randn(1, 3, 4, 4), torch.ones(1, 4, 4, dtype=torch.long)
    assert segmentation_loss(header("boundary"), "ce")(logits, classes) == masked_ce(logits, classes)
    assert class_logits(logits, header("boundary")).shape == logits.shape
    assert class_targets(classes, header("boundary")) is classes


def test_without_any_object_there_is_no_loss_of_fields():
    assert float(masked_fields(torch.ones(1, 2, 3, 3), torch.zeros(1, 2, 3, 3), torch.zeros(1, 3, 3).long())) == 0
