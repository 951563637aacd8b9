"""The memory of a run does not grow with the image."""

import json
import subprocess
import sys

import pytest

# What the run keeps is bounded by constants of some 100 MiB, made small here so that a small image shows the bound.
PROGRAM = """
import json, resource, sys
import dask.array as da
import numpy as np
import torch
import zarr
from src_models.images import plane_source
from src_models.prediction import segment as predict
from src_models.prediction.blocks import segmentation_run as run
from src_models.disk import scratch
from src_models.models.checkpoint import Model
from src_models.models.header import Intensity, ModelHeader

import src_models.labels.labelling

torch.set_num_threads(1)
size, folder = int(sys.argv[1]), sys.argv[2]
run.KEPT_PROBABILITIES_BYTES = scratch.IN_MEMORY_BYTES = 8 * 2**20
src_models.labels.labelling.BLOCK[2] = 512
plane_source.WHOLE_PIXELS = 512 * 512
scratch.tempfile.tempdir = folder


def part(block_info):
    y, x = (np.arange(a, b) for a, b in block_info[None]["array-location"])
    return (100 + 90 * np.sin(y / 9)[:, None] * np.sin(x / 7)).astype(np.uint8)


header = ModelHeader(name="m", purpose="", architecture="unet", config={}, result="instances",
                     classes=("background", "interior", "boundary"), channels=("grey",), tile=(256, 256),
                     intensity=Intensity(kind="window", low=0, high=255), overlap=(32, 32))


class Brightness(torch.nn.Module):
    def forward(self, x):
        return torch.cat([20 * (0.7 - x), 20 * (x - 0.7), torch.full_like(x, -9)], 1)


def measured(size):
    image = da.map_blocks(part, chunks=((512,) * (size // 512),) * 2, dtype=np.uint8)
    labels = zarr.create_array(f"{folder}/{size}.zarr", shape=(size, size), dtype="int32", chunks=(512, 512))
    with torch.no_grad():
        found = predict.segment(image, Model(Brightness(), header), labels_out=labels, device="cpu")
    assert found.probabilities is None or size == 1024
    return int(labels[-512:, -512:].max()), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


warm = measured(1024)
large = measured(size)
print(json.dumps({"objects": large[0], "growth": large[1] - warm[1]}))
"""


@pytest.mark.parametrize("size", [3072])
def test_a_large_lazy_image_is_segmented_in_little_memory(tmp_path, size):
    """A 3072 x 3072 px image needs 36 MiB as float32, its probabilities 108 MiB, its labels 36 MiB.

    Growth is counted from a run of 1024 x 1024 px. It is about 75 MiB: a row of tiles holds 9 MiB, thrice while it is
    handed on, and the rest is what dask, zarr and the C library keep.
    """
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(size), str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    # Bright spots lie on a grid of half periods of the two sines, every other one of which is bright.
    expected = (size / (9 * 3.1416)) * (size / (7 * 3.1416)) / 2
    assert found["objects"] == pytest.approx(expected, rel=0.03)
    assert found["growth"] < 110, f"{found['growth']:.0f} MiB"
