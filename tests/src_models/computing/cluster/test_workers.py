"""Tasks in the hands of workers, here threads of this process: each is answered, whatever becomes of others."""

from pathlib import Path

import pytest
from cluster_tasks import computing, fail_once, named, square

from src_models.computing.cluster.parcels import key_of, parcel
from src_models.computing.cluster.workers import ClusterLostError, Workers

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2, processes=False, threads_per_worker=2, dashboard_address=":0", silence_logs=50
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture
def workers(client):
    workers = Workers(client, "the cluster")
    yield workers
    workers.close()


def test_every_task_is_answered_and_one_that_fails_stops_no_other(workers):
    assert workers.count == 2
    answers = {answer.item: answer for answer in workers.run(square, range(20))}
    failed = answers.pop(3)
    assert {item: answer.get() for item, answer in answers.items()} == {n: n * n for n in range(20) if n != 3}
    with pytest.raises(ValueError, match="no square of 3"):
        failed.get()
    assert list(workers.run(square, [])) == []


def test_what_fails_for_no_reason_of_its_own_is_tried_again(workers, tmp_path):
    (answer,) = workers.run(fail_once, [str(tmp_path / "tried")])
    assert answer.get() == "done"


def test_a_worker_does_one_task_at_a_time_with_all_its_threads(workers):
    found = [answer.get() for answer in workers.run(computing, range(8))]
    assert {most for most, _, _ in found} <= {1, 2}, "one each, of the two workers in this process"
    assert {(threads, reading) for _, threads, reading in found} == {(2, 2)}


def test_what_was_not_begun_is_not_begun_once_nobody_asks(workers, tmp_path):
    places = [str(tmp_path / str(number)) for number in range(30)]
    asked = workers.run(named, places)
    first = next(asked)
    asked.close()
    assert Path(first.get()).exists()
    assert len(list(tmp_path.iterdir())) <= 4


def test_bytes_reach_workers_once_and_go_with_the_batch(client):
    workers = Workers(client, "the cluster")
    key = workers.send(b"model")
    assert (key, parcel(key)) == (key_of(b"model"), b"model")
    assert workers.send(b"model") == key
    workers.close()
    with pytest.raises(KeyError):
        parcel(key)


def test_a_scheduler_that_is_gone_is_said_with_what_to_do(tmp_path):
    cluster = distributed.LocalCluster(n_workers=1, processes=False, dashboard_address=":0", silence_logs=50)
    client = distributed.Client(cluster, set_as_default=False, timeout=2)
    asked = Workers(client, "the scheduler at x").run(named, [str(tmp_path / str(number)) for number in range(9)])
    next(asked)
    cluster.close()
    with pytest.raises(ClusterLostError, match=r"the scheduler at x was lost.*kept.*--skip-existing"):
        list(asked)
    client.close(timeout=1)
