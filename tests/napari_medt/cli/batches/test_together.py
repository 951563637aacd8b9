"""Several images at a time on the command line: what is said, what is left after a stop, and what options exclude."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import psutil
import pytest
import tifffile
from typer.testing import CliRunner

from napari_medt.cli import app
from src_models.computing.cluster import opening
from src_models.files.images import read_labels
from src_models.prediction.batches import cluster_batch

distributed = pytest.importorskip("distributed")


@pytest.fixture
def plate(tmp_path, discs, monkeypatch):
    """A folder of six images, the fourth of which is damaged; the working folder is the one above."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plate").mkdir()
    for number in (0, 1, 2, 4, 5):
        tifffile.imwrite(tmp_path / "plate" / f"{number}.tif", np.roll(discs, number, axis=1))
    (tmp_path / "plate" / "3.png").write_bytes(b"\x89PNG and no more of it")
    return tmp_path / "plate"


@pytest.fixture
def segment(tiny_model_path):
    def run(*arguments):
        arguments = ["segment", "plate", "--model", tiny_model_path, "--diameter", 20, "-o", "out", *arguments]
        return CliRunner(env={"COLUMNS": "200"}).invoke(app, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def begin():
    """Start a scheduler with a worker in this process, at a port of choice; gives it and its address."""
    clusters = []

    def start(port=0):
        cluster = distributed.LocalCluster(
            n_workers=1, processes=False, threads_per_worker=1, protocol="tcp", host="127.0.0.1", scheduler_port=port,
            dashboard_address=":0", silence_logs=50,
        )  # fmt: skip
        clusters.append(cluster)
        return cluster, cluster.scheduler_address

    yield start
    for cluster in clusters:
        cluster.close()


def labels(folder):
    return sorted(path.name for path in folder.glob("*_labels.tif"))


def test_the_workers_of_a_scheduler_segment_and_one_damaged_image_stops_no_other(segment, plate, begin, tmp_path):
    _, address = begin()
    done = segment("--scheduler", address)
    assert done.exit_code == 1
    assert done.stderr.count("Error") == 1
    assert "plate/3.png: " in done.stderr
    assert "5 of 6 images segmented into out in" in done.stdout
    assert "1 failed (plate/3.png)" in done.stdout
    assert (
        f"{plate / '0.tif'}: Y=70, X=90, 1 channel\n  2 objects -> {tmp_path / 'out' / '0_labels.tif'}" in done.stdout
    )
    for path in labels(tmp_path / "out"):
        assert read_labels(tmp_path / "out" / path).max() == 2
    again = segment("--scheduler", address, "--skip-existing")
    assert "0 of 6 images segmented into out; 5 had results and were passed over; 1 failed" in again.stdout


def test_after_a_scheduler_was_lost_a_new_one_does_the_rest(segment, plate, begin, tmp_path, monkeypatch):
    cluster, address = begin()
    real, done = cluster_batch.segment_image, []

    def then_lost(task, *arguments, **settings):
        if len(done) == 2:
            threading.Thread(target=cluster.close).start()
            time.sleep(0.5)  # as of an image that takes its time: who asked has long been told
        done.append(task.image.name)
        return real(task, *arguments, **settings)

    with monkeypatch.context() as patch:
        patch.setattr(cluster_batch, "segment_image", then_lost)
        lost = segment("--scheduler", address)
    assert lost.exit_code == 1
    assert f"the connection to the scheduler at {address} was lost" in lost.stderr
    assert "Traceback" not in lost.stderr
    assert "with --skip-existing does the rest" in lost.stderr
    assert labels(tmp_path / "out")[:2] == ["0_labels.tif", "1_labels.tif"]
    before = (tmp_path / "out" / "0_labels.tif").stat().st_mtime_ns
    (plate / "3.png").unlink()
    _, address = begin()
    rest = segment("--scheduler", address, "--skip-existing")
    assert rest.exit_code == 0, rest.output
    assert labels(tmp_path / "out") == [f"{number}_labels.tif" for number in (0, 1, 2, 4, 5)]
    assert (tmp_path / "out" / "0_labels.tif").stat().st_mtime_ns == before


@pytest.mark.skipif(sys.platform == "win32", reason="which has no such signals")
def test_ctrl_c_ends_the_workers_and_says_how_to_go_on(plate, tiny_model_path, discs, tmp_path):
    (plate / "3.png").unlink()
    for number in range(10, 90):
        tifffile.imwrite(plate / f"{number}.tif", discs)
    command = [sys.executable, "-m", "napari_medt", "segment", "plate", "--model", str(tiny_model_path)]
    process = subprocess.Popen(
        [*command, "--diameter", "20", "-o", "out", "--workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    for line in process.stdout:
        if "objects ->" in line:
            break
    family = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    out, err = process.communicate(timeout=120)
    assert process.returncode not in (0, None)
    assert "images are done, and the workers have ended; the same command with --skip-existing does the rest" in out
    assert "Traceback" not in err
    assert len(family) >= 2
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]
    assert 0 < len(labels(tmp_path / "out")) < 85


def test_what_cannot_be_is_said_before_anything_begins(segment, plate, tmp_path, monkeypatch):
    (tmp_path / "slurm.yaml").write_text("slurm: {cores: 1, memory: 1GB}")
    both = segment("--scheduler", "tcp://x:1", "--cluster", "slurm.yaml")
    assert (
        both.stderr == "Error: --scheduler takes workers that run already and --cluster starts some; give one of them\n"
    )
    assert "none.yaml: this description of a cluster cannot be read" in segment("--cluster", "none.yaml").stderr
    monkeypatch.setattr(opening, "_PATIENCE", 0.5)
    assert "no scheduler answers at tcp://127.0.0.1:1 " in segment("--scheduler", "tcp://127.0.0.1:1").stderr
    monkeypatch.setattr(opening, "find_spec", lambda name: None)
    missing = segment("--workers", "2")
    assert (missing.exit_code, missing.stderr) == (
        1,
        (
            "Error: several workers need the package distributed: pip install 'napari-medt[cluster]', or leave out "
            "--workers, --scheduler and --cluster to do one image after the other\n"
        ),
    )
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
