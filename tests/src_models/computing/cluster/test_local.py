"""Workers of this machine: how cores and graphics cards are divided, before any is started."""

import pytest
import torch

from src_models.computing.cluster.local import check_cards, graphics_cards, threads_each, worker_options
from src_models.errors import UserError


@pytest.mark.parametrize("cores", [1, 2, 6, 64])
def test_together_they_take_no_more_threads_than_there_are_cores_but_one_each(cores):
    for workers in range(1, 70):
        threads = threads_each(workers, cores=cores)
        assert threads >= 1
        assert threads * workers <= max(cores, workers)
        assert (threads + 1) * workers > cores, "no core is idle that could be shared out"


def test_libraries_are_told_of_the_threads(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    first, second = worker_options(2)
    assert first["nthreads"] == second["nthreads"] == 4
    assert {first["env"][name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")} == {"4"}
    assert "CUDA_VISIBLE_DEVICES" not in first["env"]


def test_each_worker_has_a_graphics_card_of_its_own(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert graphics_cards("auto") == ["0", "1", "2"]
    assert graphics_cards("cpu") == []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,GPU-8a")  # as a batch system gives them
    cards = graphics_cards("cuda")
    assert [each["env"]["CUDA_VISIBLE_DEVICES"] for each in worker_options(2, cards)] == ["5", "GPU-8a"]
    check_cards(2, cards)
    with pytest.raises(UserError, match=r"3 workers are too many: this machine has 2 graphics cards.*--workers 2"):
        check_cards(3, cards)
    check_cards(3, [])


def test_without_cards_workers_share_the_processor(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert graphics_cards("auto") == []
