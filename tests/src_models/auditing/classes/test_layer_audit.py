"""An audit of a run on a layer is that of the same image without a viewer."""

import numpy as np
from patch_classes import patch_model

from src_models.auditing.auditor import audit
from src_models.auditing.classes.layer_audit import layer_classes_audit_steps
from src_models.classifying.layer.layer_run import ClassRun, class_steps
from src_models.images.region import Region
from src_models.models.checkpoint import save
from src_models.progress import finish


def test_the_objects_of_a_run_on_a_part_of_a_layer_are_audited(tmp_path):
    path = save(patch_model(), tmp_path / "patches.safetensors")
    image = np.random.default_rng(0).uniform(0, 0.1, (90, 120)).astype(np.float32)
    labels = np.zeros(image.shape, np.int32)
    for number, (row, column) in enumerate([(30, 40), (30, 80)], start=1):
        labels[row : row + 14, column : column + 14] = number
        image[row : row + 8, column : column + 8] = number % 2
    part = (slice(10, 80), slice(20, 110))
    region = Region("YX", part, image.shape, rgb=False)
    run = ClassRun(
        model=path, looked_at="objects", data=image, region=region, layer_id=1, layer_name="blood", labels=labels,
        device="cpu", threads=1,
    )  # fmt: skip
    result = finish(class_steps(run))
    found = finish(layer_classes_audit_steps(result))
    assert found.told.counts == {"patch": 1, "empty": 1}
    whole = audit(image[part], patch_model(), labels=labels[part], device="cpu", name="layer 'blood'")
    assert found == whole
