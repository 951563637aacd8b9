"""``napari-medt classify --why``: what is asked for, for one image and for many."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import tifffile
import torch
from typer.testing import CliRunner

from napari_medt.cli import app
from napari_medt.cli.why import why_of
from src_models.attention.map_files import read_map
from src_models.errors import UserError
from src_models.models.architectures import create
from src_models.models.checkpoint import Model, save
from src_models.models.header import Intensity, ModelHeader

CONFIG = {"in_channels": 1, "classes": 2, "width": 8, "head_channels": 4, "stages": 1, "windows": (4, 3)}
HEADER = ModelHeader(
    name="tiny", purpose="tests", architecture="med-former", config=CONFIG, classes=("round", "long"),
    channels=("grey",), intensity=Intensity(kind="window", low=0.0, high=200.0), tile=(32, 32), overlap=(0, 0),
    result="class",
)  # fmt: skip
FROM = "_attention_object_2_large_window_1.1_from_10,14_head_1.ome.tif"


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    return save(Model(create("med-former", **CONFIG).eval(), HEADER), tmp_path / "tiny.safetensors")


@pytest.fixture
def plate(tmp_path):
    """Three images with two objects each, and their labels."""
    (tmp_path / "plate").mkdir()
    (tmp_path / "labels").mkdir()
    labels = np.zeros((50, 60), np.uint16)
    labels[5:15, 8:20], labels[30:44, 30:50] = 2, 7
    for number, name in enumerate("abc"):
        pixels = np.random.default_rng(number).integers(0, 200, (50, 60), np.uint8)
        tifffile.imwrite(tmp_path / "plate" / f"{name}.tif", pixels)
        tifffile.imwrite(tmp_path / "labels" / f"{name}_labels.tif", labels)
    return tmp_path


@pytest.fixture
def run(model, plate):
    """Run the command line on the plate, with the folders "out" and "why" unless others are given."""
    runner = CliRunner(env={"COLUMNS": "200"})

    def go(*arguments, images=(plate / "plate",), why=plate / "why", output=plate / "out"):
        fixed = ("--model", model, "--labels", plate / "labels", "-o", output, "--why", why, "--device", "cpu")
        return runner.invoke(app, ["classify", *map(str, (*images, *fixed, *arguments))])

    return go


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_of_each_image_of_a_batch_maps_are_written_and_those_of_one_head_from_a_place(run, plate):
    done = run("--from", "10,14", "--layer", "large window 1.1", "--head", 1)
    assert done.exit_code == 0, done.output
    wanted = [f"{name}_attention_object_{own}_class_relevance.ome.tif" for name in "abc" for own in (2, 7)]
    assert names(plate / "why") == sorted([*wanted, *(f"{name}{FROM}" for name in "abc")])
    maps = [read_map(plate / "why" / f"{name}{FROM}").data for name in "abc"]
    assert all(one.sum() == pytest.approx(16, rel=1e-4) for one in maps)
    assert not np.allclose(maps[0], maps[1])  # each of its own image


def test_a_batch_goes_on_with_the_image_whose_maps_or_table_are_missing_and_keeps_tables(run, plate):
    assert run().exit_code == 0
    everything = names(plate / "why")
    (plate / "out" / "a_classes.csv").unlink()  # stopped between maps and table
    (plate / "out" / "a_classes.json").unlink()
    for path in (plate / "why").glob("b_*"):  # made without --why
        path.unlink()
    table = plate / "out" / "b_classes.csv"
    table.write_text(table.read_text().replace("round", "mended"))
    untouched = (plate / "why" / everything[-1]).stat().st_mtime_ns
    refused = run()
    assert refused.exit_code == 1
    assert "a_attention_object_2_class_relevance.ome.tif exists already" in refused.stderr
    done = run("--skip-existing")
    assert done.exit_code == 0, done.output
    assert names(plate / "why") == everything
    assert "1 had results and was passed over" in done.stdout
    assert "mended" in table.read_text()
    with (plate / "out" / "a_classes.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 2
    assert (plate / "why" / everything[-1]).stat().st_mtime_ns == untouched


def test_with_one_table_of_all_images_of_one_name_are_refused_before_the_work(run, plate):
    (plate / "other").mkdir()
    (plate / "other" / "a.tif").write_bytes((plate / "plate" / "a.tif").read_bytes())
    done = run(images=(plate / "plate", plate / "other"), output=plate / "all.csv")
    assert done.exit_code == 1
    assert "2 of the images are called 'a'" in done.stderr
    assert not (plate / "why").exists()
    assert run(output=plate / "all.csv").exit_code == 0
    assert len(names(plate / "why")) == 6


def asked(**options):
    given = {"maps": None, "place": None, "layers": None, "head": None, **options}
    return why_of(HEADER, given.pop("folder"), kind="objects", **given)


def test_each_head_of_each_layer_is_named_from_0_and_the_mean_is_usual(tmp_path):
    looking = asked(folder=tmp_path, place="middle", head="each").looking
    assert looking.place is None
    assert looking.heads["large window 2.1"] == [0, 1, 2, 3]
    assert asked(folder=tmp_path, place="3,4.5").looking.heads["small window 1.2"] == [None]
    assert asked(folder=tmp_path, place="3,4.5").looking.place == (3, 4.5)
    assert asked(folder=tmp_path).looking is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folder": None, "place": "middle"}, "--from says what else is written to --why"),
        ({"head": "1"}, "--head says which attention looks --from a place"),
        ({"layers": ["large window 1.1"]}, "--layer says which attention"),
        ({"place": "middle", "layers": ["layer 1"]}, "has no 'layer 1'; choose from large window 1.1"),
        ({"place": "middle", "head": "3"}, "--head 3: large window 1.1 has the heads 0 to 1"),
        ({"place": "middle", "head": "first"}, "not 'first'"),
        ({"place": "here"}, "--from takes a pixel"),
        ({"maps": "gate 2"}, "no attention map 'gate 2'"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        asked(**{"folder": tmp_path, **options})
