"""A folder segmented image after image: the same labels as one by one, whatever fails, and an end within a tile."""

import json
import re
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from shuffled_pool import ShuffledPool

from src_models.computing.cluster import opening
from src_models.errors import ImageError, OutputError, UserError
from src_models.files.images import read_labels
from src_models.models.architectures import attention_names
from src_models.models.checkpoint import load
from src_models.prediction.batches.folder_run import FolderJob, ImageRow, images_in, segment_folder_steps
from src_models.prediction.segment import segment
from src_models.prediction.settings import RunSettings
from src_models.progress import finish


@pytest.fixture
def job(tmp_path, tiny_model_path, discs):
    """Three images, of which the second is damaged."""
    folder = tmp_path / "plate"
    folder.mkdir()
    for number, name in enumerate("abc"):
        tifffile.imwrite(folder / f"{name}.tif", np.roll(discs, 3 * number, axis=1))
    (folder / "b.tif").write_bytes(b"II*\0 no more of it")
    return FolderJob(
        images=images_in([folder]),
        output=tmp_path / "out",
        model=tiny_model_path,
        settings=RunSettings(device="cpu", diameter=20),
    )


def go(job):
    told, steps = {}, []

    def on_row(number, row):
        told.setdefault(number, []).append(row)

    return finish(segment_folder_steps(job, on_row), steps.append), told, steps


def test_each_image_is_segmented_as_alone_and_one_that_fails_stops_no_other(job, tmp_path):
    result, told, steps = go(job)
    assert [row.state for row in result.rows] == ["done", "failed", "done"]
    assert result.summary == "2 of 3 images segmented; 1 failed, as the list says"
    assert result.rows[1].said.startswith(f"{tmp_path / 'plate' / 'b.tif'}: ")
    model = load(job.model)
    for row in (result.rows[0], result.rows[2]):
        alone = segment(tifffile.imread(row.image.path), model, device="cpu", diameter=20)
        np.testing.assert_array_equal(read_labels(row.labels), alone.labels)
        assert row.said == alone.summary
    assert [rows[-1] for _, rows in sorted(told.items())] == list(result.rows)
    shares = [row.share for row in told[0] if row.state == "working"]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    done = [step.done for step in steps if step.total]
    assert done == sorted(done)
    assert {step.total for step in steps} == {0, 300}
    assert result.report == tmp_path / "out" / "report.html"


def test_what_has_results_is_passed_over_or_replaced_as_asked(job, tmp_path):
    go(job)
    labels = tmp_path / "out" / "a_labels.tif"
    tifffile.imwrite(labels, np.zeros((70, 90), np.uint8))
    assert [image.name for image in job.with_results()] == ["a", "c"]
    again, _, _ = go(job)
    assert [row.state for row in again.rows] == ["passed over", "failed", "passed over"]
    assert again.rows[0].labels == labels
    assert not read_labels(labels).any()
    replaced, _, _ = go(replace(job, replace_existing=True))
    assert replaced.rows[0].state == "done"
    assert read_labels(labels).any()


def test_closing_it_after_a_tile_leaves_what_is_done_and_nothing_half_done(job, tmp_path):
    last = {}
    steps = segment_folder_steps(job, last.__setitem__)
    for step in steps:
        if step.message.startswith("c (3 of 3)") and 200 < step.done < 300:
            break
    assert last[2].state == "working"
    assert 0 < last[2].share < 1
    steps.close()
    assert last[2] == ImageRow(job.images[2])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a_labels.json", "a_labels.tif"]
    again, _, _ = go(job)
    assert [row.state for row in again.rows] == ["passed over", "failed", "done"]


def test_a_bug_is_told_as_one_and_the_others_go_on(job, monkeypatch):
    from src_models.prediction.batches import folder_run

    real = folder_run.segment_image_steps

    def breaking(task, model):
        if task.image.name == "a":
            raise ZeroDivisionError("x")
        return (yield from real(task, model))

    monkeypatch.setattr(folder_run, "segment_image_steps", breaking)
    result, _, _ = go(job)
    assert [row.state for row in result.rows] == ["failed", "failed", "done"]
    assert "not foreseen" in result.rows[0].said


def test_a_full_disk_ends_it(job, monkeypatch):
    from src_models.prediction.batches import folder_run

    def full(task, model):
        yield from ()
        raise OutputError("the disk is full")

    monkeypatch.setattr(folder_run, "segment_image_steps", full)
    with pytest.raises(UserError, match="the disk is full"):
        go(job)


def test_the_report_names_what_failed_and_shows_the_rest(job):
    page = go(job)[0].report.read_text(encoding="utf-8")
    record = json.loads((job.output / "a_labels.json").read_text())
    assert len(re.findall("<img ", page)) == 2
    assert f"<td>{record['summary']}</td>" in page
    assert "Failed: " in page


def test_a_folder_without_images_is_refused_and_so_is_a_zarr_for_the_results(job, tmp_path):
    import zarr

    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match="holds no images"):
        images_in([tmp_path / "empty"])
    zarr.open_group(tmp_path / "data.zarr", mode="w")
    with pytest.raises(OutputError, match="is a zarr and no folder for results"):
        go(replace(job, output=tmp_path / "data.zarr"))


@pytest.mark.parametrize(
    ("row", "words"), [(("working", 0.42), "working, 42%"), (("done", 1.0), "done"), (("failed", 0.1), "failed")]
)
def test_a_row_says_how_far_it_is(row, words):
    assert ImageRow(None, *row).words == words


def test_several_at_a_time_give_what_one_after_the_other_does(job, tmp_path, monkeypatch):
    """By a pool that does them in another order; real workers are in ``test_several.py``."""
    pytest.importorskip("distributed")
    monkeypatch.setattr(opening, "open_workers", lambda count, device: nullcontext(ShuffledPool(count)))
    alone, _, _ = go(job)
    result, told, steps = go(replace(job, output=tmp_path / "several", workers=2))
    assert [(row.state, row.said) for row in result.rows] == [(row.state, row.said) for row in alone.rows]
    for number in (0, 2):
        np.testing.assert_array_equal(read_labels(result.rows[number].labels), read_labels(alone.rows[number].labels))
    assert [rows[-1] for _, rows in sorted(told.items())] == list(result.rows)
    assert any("3 of 3 images, 2 at a time" in step.message for step in steps)
    assert sorted(path.name for path in (tmp_path / "several").iterdir()) == sorted(
        path.name for path in (tmp_path / "out").iterdir()
    )


def test_channels_and_maps_are_those_that_were_asked_for(job, discs, tmp_path):
    folder = tmp_path / "dyes"
    folder.mkdir()
    dyes = np.stack([np.zeros_like(discs), discs])
    tifffile.imwrite(folder / "d.ome.tif", dyes, metadata={"axes": "CYX"}, photometric="minisblack")
    names = attention_names(*(getattr(load(job.model).header, field) for field in ("architecture", "config")))
    settings = replace(job.settings, attention=tuple(names[:1]))
    asked = replace(job, images=images_in([folder]), output=tmp_path / "dyes out", channels=(1,), settings=settings)
    result, _, _ = go(asked)
    assert [row.state for row in result.rows] == ["done"], result.rows[0].said
    wanted = segment(discs, load(job.model), device="cpu", diameter=20).labels
    np.testing.assert_array_equal(read_labels(result.rows[0].labels), wanted)
    maps = [path for path in (tmp_path / "dyes out").iterdir() if names and names[0].replace(" ", "_") in path.name]
    assert len(maps) == len(names[:1])
    assert set(maps) <= set(asked.place.results(asked.images[0]).existing)
