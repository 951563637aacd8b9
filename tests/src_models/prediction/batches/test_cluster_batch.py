"""Many images by several processes: equal to one after the other, whatever becomes of a worker."""

import os
import signal

import numpy as np
import pytest
import tifffile
from cluster_tasks import about_worker, die_once
from shuffled_pool import ShuffledPool

from src_models.computing.cluster.local import threads_each
from src_models.computing.cluster.opening import open_workers
from src_models.computing.cluster.parcels import keep
from src_models.errors import UserError
from src_models.files.image_list import OneImage
from src_models.files.images import read_labels
from src_models.models.checkpoint import load
from src_models.prediction.batches import cluster_batch
from src_models.prediction.batches.cluster_batch import Order, segment_batch
from src_models.prediction.batches.image_task import Failure, ImageReport, ImageTask, segment_image
from src_models.prediction.batches.sent_model import sent_model
from src_models.prediction.settings import RunSettings

pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def workers():
    with open_workers(2, device="cpu") as workers:
        yield workers


@pytest.fixture
def tasks(tmp_path, discs):
    """Of a few images, each a bit different."""
    (tmp_path / "in").mkdir()

    def make(count):
        found = []
        for number in range(count):
            path = tmp_path / "in" / f"{number}.tif"
            tifffile.imwrite(path, np.roll(discs, 3 * number, axis=1))
            settings = RunSettings(device="cpu", diameter=20)
            found.append(ImageTask(image=OneImage(path), output=tmp_path / "out", settings=settings))
        (tmp_path / "out").mkdir(exist_ok=True)
        return found

    return make


def expected(tasks, model_path, tmp_path):
    """Segment the images here, one after the other."""
    model = load(model_path)
    found = {}
    for task in tasks:
        alone = ImageTask(image=task.image, output=tmp_path / "alone", settings=task.settings)
        segment_image(alone, model)
        found[task.image.name] = read_labels(tmp_path / "alone" / f"{task.image.name}_labels.tif")
    return found


def assert_written(labels, tmp_path):
    out = tmp_path / "out"
    for name, mask in labels.items():
        np.testing.assert_array_equal(read_labels(out / f"{name}_labels.tif"), mask)
    assert {path.name for path in out.iterdir()} == {
        f"{name}_labels.{kind}" for name in labels for kind in ("json", "tif")
    }, "nothing else is left behind"


def test_workers_are_processes_that_share_the_cores_and_leave_ctrl_c_to_their_parent(workers):
    key = workers.send(b"weights")
    found = [answer.get() for answer in workers.run(about_worker, [key] * 6)]
    assert len({process for process, *_ in found} - {os.getpid()}) == 2
    assert {told[1:] for told in found} == {(str(threads_each(2)), b"weights", True)}


def test_a_worker_that_is_killed_while_it_segments_changes_nothing(workers, tasks, tiny_model_path, tmp_path):
    chosen = tasks(7)
    chosen[4].image.path.write_bytes(b"II*\0 no more of it")
    outcomes = {}
    for task, outcome in segment_batch(chosen, tiny_model_path, workers, 2):
        if not outcomes:
            processes = workers._client.run(os.getpid)
            os.kill(next(iter(processes.values())), signal.SIGKILL)
        outcomes[task.image.name] = outcome
    assert len(outcomes) == 7
    damaged = outcomes.pop("4")
    assert isinstance(damaged, Failure)
    assert damaged.message.startswith(f"{chosen[4].image.path}: ")
    assert damaged.unforeseen is None
    assert all(isinstance(outcome, ImageReport) for outcome in outcomes.values())
    assert_written(expected([task for task in chosen if task.image.name != "4"], tiny_model_path, tmp_path), tmp_path)


def test_a_task_whose_worker_dies_goes_to_another(workers, tmp_path):
    (answer,) = workers.run(die_once, [str(tmp_path / "tried")])
    assert answer.get() == "done"


# What needs no processes


def test_what_a_dead_worker_has_written_is_written_over_and_what_others_wrote_is_not(tasks, tiny_model_path, tmp_path):
    """Of each fifth task, the pool's first try ends after it wrote and before it says so."""
    chosen = tasks(6)
    (tmp_path / "out" / "5_labels.tif").write_bytes(b"painted by hand")
    outcomes = {task.image.name: outcome for task, outcome in segment_batch(chosen, tiny_model_path, ShuffledPool(), 2)}
    refused = outcomes.pop("5")
    assert "5_labels.tif exists already" in refused.message
    assert all(isinstance(outcome, ImageReport) for outcome in outcomes.values())
    assert (tmp_path / "out" / "5_labels.tif").read_bytes() == b"painted by hand"


def test_few_large_images_are_cut_into_blocks(tasks, tiny_model_path, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster_batch, "FEW_LARGE", 70 * 90 - 1)
    chosen, pool, steps = tasks(1), ShuffledPool(), []
    ((_task, outcome),) = segment_batch(
        chosen, tiny_model_path, pool, 2, on_large=lambda task, progress: steps.append(progress.message)
    )
    assert isinstance(outcome, ImageReport)
    assert outcome.found[0].startswith("2 objects -> ")
    assert pool.done == ["segment_order", "predict", "separate", "compose"]
    assert steps == ["segmenting", "separating objects", "joining blocks", "writing labels"]
    assert_written(expected(chosen, tiny_model_path, tmp_path), tmp_path)


def test_with_enough_images_each_is_one_task(tasks, tiny_model_path, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster_batch, "FEW_LARGE", 70 * 90 - 1)
    pool = ShuffledPool()
    assert len(list(segment_batch(tasks(2), tiny_model_path, pool, 2))) == 2
    assert pool.done == ["segment_order"] * 2


def test_a_worker_that_does_not_see_the_folder_says_so(tasks, tmp_path):
    (task,) = tasks(1)
    with pytest.raises(UserError, match=r"does not see the folder .*images and results must lie where all workers"):
        Order(task, "key", 0, False, tmp_path / "elsewhere" / "working").begin()


def test_the_model_that_was_sent_is_loaded_once_and_is_the_same(tiny_model_path):
    model = load(tiny_model_path)
    keep(model.sha256, tiny_model_path.read_bytes())
    sent = sent_model(model.sha256)
    assert sent_model(model.sha256) is sent
    assert (sent.sha256, sent.header, sent.path) == (model.sha256, model.header, None)
    for name, tensor in model.network.state_dict().items():
        assert sent.network.state_dict()[name].equal(tensor)
