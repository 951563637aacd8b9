"""A task as clients read it: it always has details, and tells how far it is as a share of epochs."""

from __future__ import annotations

from napari_medt.serving.monai_label.learning.training_task import TrainingTask


def test_a_task_runs_from_the_beginning_and_always_says_something():
    task = TrainingTask(("dark",), {"steps": 3})
    told = task.to_json()
    assert told["status"] == "RUNNING"
    assert told["details"]
    assert told["request"] == {"steps": 3}
    assert told["start_ts"].endswith("Z")
    assert task.stats == {}


def test_how_far_it_is_stands_in_epochs_and_a_time_only_when_it_has_ended():
    task = TrainingTask(("dark", "light"))
    task.begin("dark", 200)
    task.progress("dark", 0.25, 0.5)
    stats = task.stats["dark"]
    assert (stats["epoch"], stats["total_epochs"], stats["best_metric"]) == (50, 200, 0.5)
    assert "total_time" not in stats
    task.end("dark")
    assert task.stats["dark"]["total_time"] == "0:00:00"
    task.begin("light", 0)
    task.progress("light", 2.0, -1.0)
    assert list(task.stats) == ["light", "dark"]  # a client reads the first
    assert (task.stats["light"]["epoch"], task.stats["light"]["best_metric"]) == (1, 0.0)


def test_what_was_stopped_stays_so_and_details_keep_their_first_line():
    task = TrainingTask(("dark",))
    first = task.to_json()["details"][0]
    for number in range(700):
        task.say(f"line\n {number}")
    task.close("STOPPED")
    task.close("DONE")
    told = task.to_json()
    assert (told["status"], told["details"][0], told["details"][-1]) == ("STOPPED", first, "line 699")
    assert len(told["details"]) <= 500
    assert told["end_ts"] >= told["start_ts"]
