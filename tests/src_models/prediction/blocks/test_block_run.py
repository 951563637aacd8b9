"""An image that many workers segment block by block: equal to what one process finds, up to the numbers of objects."""

import dataclasses

import dask.array as da
import numpy as np
import pytest
import tifffile
from scipy import ndimage
from shuffled_pool import ShuffledPool

from src_models.computing.cluster.workers import Answer
from src_models.errors import UserError
from src_models.files.image_list import OneImage
from src_models.files.images import read_image
from src_models.labels import labelling
from src_models.models.checkpoint import Model, load, save
from src_models.prediction.batches.image_task import ImageTask
from src_models.prediction.blocks import block_plan
from src_models.prediction.blocks.block_run import segment_in_blocks
from src_models.prediction.segment import segment
from src_models.prediction.settings import RunSettings


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks of so few pixels that an image of a few hundred has many."""
    for table, sizes in (
        (labelling.BLOCK, {2: 96, 3: 32}),
        (labelling.HALO, {2: 28, 3: 12}),
        (block_plan.CHUNK, {2: 32, 3: 32}),
        (block_plan.SIDES, {2: (128, 64), 3: (64, 32)}),
    ):
        for dimensions, size in sizes.items():
            monkeypatch.setitem(table, dimensions, size)


def cells(*shape, seed=0):
    """Bright round objects of 10 to 20 px, some touching, many on seams, on a ground with noise."""
    random = np.random.default_rng(seed)
    image = 20 + 4 * random.normal(size=shape)
    grids = np.meshgrid(*(np.arange(size) for size in shape), indexing="ij", sparse=True)
    for _ in range(int(np.prod(shape)) // (14**2 * 2)):
        centre, radius = [random.uniform(0, size) for size in shape], random.uniform(5, 10)
        away = sum((grid - place) ** 2 for grid, place in zip(grids, centre, strict=True))
        image = np.where(away < radius**2, 220 + 8 * random.normal(), image)
    return image.clip(0, 255).astype(np.uint8)


def texture(*shape):
    """Structure of a few pixels, which a network of random weights says many things of."""
    smooth = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=shape), 2)
    return (50 + 18 * smooth / smooth.std()).clip(0, 100).astype(np.float32)


@pytest.fixture
def both(tmp_path):
    """Segment an array by one process and by blocks; gives both results."""

    def run(data, model, *, axes=None, pool=None, **settings):
        path = tmp_path / "image.tif"
        tifffile.imwrite(path, data, metadata={"axes": axes or "YX"}, photometric="minisblack")
        file = save(model, tmp_path / "model.safetensors", overwrite=True)
        model, image = load(file), read_image(path)
        chosen = RunSettings(device="cpu", **settings)
        alone = segment(image.data, model, axes=image.reading, **chosen.keywords)
        pool = pool or ShuffledPool()
        task = ImageTask(image=OneImage(path), output=tmp_path, settings=chosen)
        folder = tmp_path / "working"
        folder.mkdir(exist_ok=True)
        together = segment_in_blocks(image, task, model, pool=pool, key=pool.send(file.read_bytes()), folder=folder)
        assert not list(folder.iterdir()), "working files are gone"
        return alone, together

    return run


def assert_equal_up_to_numbers(one, other):
    """Each object of one is exactly one of the other, and numbers have no gaps."""
    assert one.shape == other.shape
    np.testing.assert_array_equal(one > 0, other > 0)
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    for row in pairs:
        assert len(np.unique(row)) == pairs.shape[1]
    np.testing.assert_array_equal(np.unique(other[other > 0]), np.arange(1, other.max() + 1))


def assert_alike(alone, together):
    assert together.labels.dtype == alone.labels.dtype
    if alone.result == "instances":
        assert_equal_up_to_numbers(alone.labels, together.labels)
    else:
        np.testing.assert_array_equal(alone.labels, together.labels)
    for name in ("found", "summary", "size", "advice", "notes", "read_as", "zoom", "diameter", "provenance"):
        assert getattr(together, name) == getattr(alone, name), name
    assert together.certainty == (alone.certainty and pytest.approx(alone.certainty, rel=1e-12))


@pytest.fixture
def tiny(tiny_model_path):
    return load(tiny_model_path)


def test_objects_on_seams_are_neither_cut_nor_doubled(both, tiny):
    alone, together = both(cells(290, 250), tiny)
    assert together.found["objects"] > 60
    on_seams = np.unique(together.labels[95:97])
    assert len(on_seams) > 5, "the scene has objects there"
    assert_alike(alone, together)


def test_an_image_that_is_resized_is_drawn_without_a_seam(both, tiny):
    sized = Model(tiny.network, dataclasses.replace(tiny.header, object_diameter=16.0, diameter_range=(12.0, 24.0)))
    for diameter in (11.0, 29.0):
        alone, together = both(cells(160, 140, seed=1), sized, diameter=diameter)
        assert together.zoom == pytest.approx(16 / diameter)
        assert together.found["objects"] > 10
        assert_alike(alone, together)


def test_the_size_that_is_estimated_holds_for_all_blocks(both, tiny):
    sized = Model(
        tiny.network,
        dataclasses.replace(tiny.header, object_diameter=16.0, diameter_range=(12.0, 24.0)),
    )
    data = ndimage.zoom(cells(80, 70), 3, order=1)
    alone, together = both(data, sized)
    assert_alike(alone, together)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"result": "semantic"}, id="object against background"),
        pytest.param({"sensitivity": 0.5, "least_size": 9, "drop_edge": True}, id="objects that are chosen"),
        pytest.param({"flips": True, "grey_range": None}, id="four sides"),
    ],
)
def test_what_a_person_chose_holds_in_every_block(both, tiny, settings):
    assert_alike(*both(cells(150, 140, seed=2), tiny, **settings))


def test_outlines_of_a_stack_are_linked_through_blocks(both, tiny):
    plane = cells(110, 130, seed=3)
    stack = np.stack([plane, plane, cells(110, 130, seed=4)])
    alone, together = both(stack, tiny, axes="ZYX")
    assert together.found["outlines"] > together.found["objects"]
    assert_alike(alone, together)


@pytest.mark.parametrize("result", ["semantic", "instances"])
def test_classes_and_their_connected_regions(both, make_model, result):
    model = make_model(classes=("background", "a", "b", "c"), sharpness=4, tile=(64, 64), overlap=(16, 16))
    alone, together = both(texture(150, 160), model, result=result)
    assert len(np.unique(together.labels)) > 2
    assert_alike(alone, together)


def test_a_volume_is_cut_in_depth_as_well(both, make_model):
    classes = ("background", "interior", "boundary")
    model = make_model(
        dimensions=3, classes=classes, result="instances", config={"widths": [2, 3]}, sharpness=12, seed=7,
        tile=(32,) * 3, overlap=(8,) * 3,
    )  # fmt: skip
    alone, together = both(texture(34, 44, 40), model, axes="ZYX")
    assert together.found["objects"] > 20
    assert_alike(alone, together)


def test_largest_pieces_are_those_of_the_whole_stack(both, tiny):
    organs = {"result": "semantic", "classes": ("background", "a", "b"), "largest_pieces": {"a": 1, "b": 3}}
    model = Model(tiny.network, dataclasses.replace(tiny.header, **organs))
    alone, together = both(np.stack([cells(110, 130, seed=seed) for seed in (3, 4, 5)]), model, axes="ZYX")
    assert together.found["strays"]["b"]["pieces"] > 3
    for value, count in ((1, 1), (2, 3)):
        assert ndimage.label(together.labels == value, np.ones((3, 3, 3)))[1] == count
    assert_alike(alone, together)


def test_values_that_are_not_finite_are_filled_alike_and_said(both, tiny):
    data = cells(150, 200, seed=6).astype(np.float32)
    data[100:110, 150:160] = np.nan
    alone, together = both(data, tiny)
    assert "NaN" in "".join(together.notes)
    assert_alike(alone, together)


def test_labels_go_where_they_are_wanted_and_the_image_is_read_by_the_workers(tiny_model_path, tmp_path):
    """Here the image in hand has no pixels to give: what is not read to settle sizes, workers read from the file."""
    path = tmp_path / "image.tif"
    tifffile.imwrite(path, cells(150, 140))
    image, model, pool = read_image(path), load(tiny_model_path), ShuffledPool()
    lazy = dataclasses.replace(image, data=da.from_array(image.data, chunks=(50, 60)))
    task = ImageTask(image=OneImage(path), output=tmp_path, settings=RunSettings(device="cpu"))
    out = np.zeros((150, 140), np.int64)
    key = pool.send(tiny_model_path.read_bytes())
    steps = []
    found = segment_in_blocks(
        lazy, task, model, pool=pool, key=key, folder=tmp_path, labels_out=out, on_progress=steps.append
    )
    assert found.labels is out
    assert_equal_up_to_numbers(segment(image.data, model, device="cpu").labels, out)
    assert [step.done for step in steps] == list(range(1, steps[-1].total + 1))


def test_a_block_that_cannot_be_done_fails_the_image(both, tiny):
    class Failing(ShuffledPool):
        def run(self, function, items):
            for answer in super().run(function, items):
                yield Answer(answer.item, None, UserError("no memory")) if function.__name__ == "compose" else answer

    with pytest.raises(UserError, match="no memory"):
        both(cells(100, 100), tiny, pool=Failing())
