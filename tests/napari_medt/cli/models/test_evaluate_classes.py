"""Tables of a model of classes: what each class is taken for, and how well it is found."""

from __future__ import annotations

import pytest
from toy_classes import CLASSES, TOY, toy_header, write_squares
from typer.testing import CliRunner

from napari_medt.cli import app
from src_models.classifying.evaluation.evaluate import evaluate_classes
from src_models.models.architectures import ARCHITECTURES
from src_models.models.checkpoint import Model, load, save


@pytest.fixture
def toy(tmp_path):
    """A file of an untrained model of classes."""
    import torch

    ARCHITECTURES.append(TOY)
    torch.manual_seed(1)
    yield save(Model(TOY.make(in_channels=1, classes=3), toy_header()), tmp_path / "toy.safetensors")
    ARCHITECTURES.remove(TOY)


def test_the_tables_show_what_was_measured(toy, tmp_path):
    squares = write_squares(tmp_path / "squares")
    told = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["evaluate", str(squares), "--model", str(toy)])
    assert told.exit_code == 0, told.output
    evaluation = evaluate_classes(squares, load(toy), device="cpu")
    rows = [line.split() for line in told.stdout.splitlines()]
    for number, (name, scores) in enumerate(evaluation.per_class.items(), start=1):
        values = [f"{value:.3f}" if value == value else "-" for value in (scores.precision, scores.recall, scores.f1)]
        assert [name, *values, str(scores.count)] in rows
        counts = [str(count) if count else "." for count in evaluation.confusion[number - 1]]
        assert [str(number), name, *counts] in rows
    assert f"balanced accuracy {evaluation.balanced_accuracy:.3f}" in told.stdout
    assert tuple(evaluation.per_class) == CLASSES


def test_where_nobody_said_what_validates_it_is_warned(toy, tmp_path):
    squares = write_squares(tmp_path / "squares")
    (squares / "manifest.csv").unlink()
    told = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["evaluate", str(squares), "--model", str(toy)])
    assert "All pictures were measured. Were some of them trained on?" in told.stdout
