"""A model that sees in 3D learns from whole volumes, in the slices that somebody labelled."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from nibabel.affines import apply_affine
from served_scans import AFFINES, QUICK, drawn_labels, learnt, middle_of, submit, truth

from napari_medt.serving.settings import ServeSettings
from src_models.files.images import read_image
from src_models.finetuning.whole_images import open_corrections
from src_models.models.architectures import create
from src_models.models.checkpoint import Model, save
from src_models.models.header import Intensity, ModelHeader


@pytest.fixture
def client(serve, settings, tmp_path):
    config = {"in_channels": 1, "classes": 2, "widths": (4, 8), "norm": "group", "dimensions": 3}
    header = ModelHeader(
        name="deep",
        purpose="Tests",
        architecture="attention-unet",
        config=config,
        classes=("background", "organ"),
        channels=("grey",),
        dimensions=3,
        intensity=Intensity(kind="window", low=0, high=255),
        tile=(4, 16, 16),
        overlap=(1, 4, 4),
    )
    torch.manual_seed(0)
    path = save(Model(create("attention-unet", **config).eval(), header), tmp_path / "deep.safetensors")
    return serve(ServeSettings(store=settings.store, folder=settings.folder, models=(str(path),)))


def test_volumes_teach_in_the_slices_that_were_labelled(client, settings):
    server = client.app.state.server
    grids = {"left.nii.gz": "LAS", "leaning.nii.gz": "oblique"}
    for image, grid in grids.items():
        labels, affine = drawn_labels(AFFINES[grid])
        labels[..., 0] = 0
        assert submit(client, image, labels > 0, affine, names=["organ"]).status_code == 200
    server.teaching.wait()
    corrections = server.teaching.corrections("deep")
    assert corrections.count == 2
    found = dict(open_corrections(corrections.folder).corrections())
    for stored in server.store.images():
        scan = read_image(settings.folder / stored.id)
        places = apply_affine(scan.geometry.affine, np.moveaxis(np.indices(scan.data.shape), 0, -1))
        superior, posterior, left = np.moveaxis(places, -1, 0)
        grid = AFFINES[grids[stored.id]]
        wanted = truth(np.stack([-left, -posterior, superior], axis=-1), middle_of(grid)) > 0
        kept = found[f"{stored.key}.nrrd"]
        np.testing.assert_array_equal(kept.image, np.asarray(scan.data))
        counted = kept.counts.all(axis=(1, 2))
        np.testing.assert_array_equal(kept.counts.any(axis=(1, 2)), counted)
        assert 0 < counted.sum() < len(counted)
        np.testing.assert_array_equal(kept.labels[counted] > 0, wanted[counted])

    labels, affine = drawn_labels(AFFINES["LAS"])
    submit(client, "left.nii.gz", labels * 0, affine, names=["organ"])  # erased: these slices are empty
    client.post("/train/deep", json={**QUICK, "patch": 16, "steps": 2})
    task = learnt(client)
    assert task["status"] == "DONE", task
    key = next(image.key for image in server.store.images() if image.id == "left.nii.gz")
    again = dict(open_corrections(corrections.folder).corrections())[f"{key}.nrrd"]
    np.testing.assert_array_equal(again.counts, found[f"{key}.nrrd"].counts)
    assert not again.labels.any()

    client.delete("/datastore/label", params={"id": "left.nii.gz"})
    server.teaching._forget_deleted(corrections)
    assert corrections.count == 1
    assert (corrections.folder / "deleted" / "masks" / f"{key}.nrrd").is_file()
