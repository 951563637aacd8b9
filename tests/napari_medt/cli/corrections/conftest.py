"""What the tests of corrections in the shell share."""

import pytest
import torch
from typer.testing import CliRunner

from napari_medt.cli import app


@pytest.fixture
def run():
    """Run the command line in this process, on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    runner = CliRunner(env={"COLUMNS": "250"})
    yield lambda *arguments: runner.invoke(app, [str(argument) for argument in arguments])
    torch.set_num_threads(threads)
