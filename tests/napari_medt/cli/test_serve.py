from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import httpx
import pytest
from typer.testing import CliRunner

from napari_medt.cli import app


def run(*words):
    return CliRunner().invoke(app, ["serve", *words])


@pytest.mark.skipif(os.name != "posix", reason="ends the server by a signal")
def test_it_says_its_address_and_answers_there(tmp_path, repository):
    words = [str(repository / "sample_data"), "--port", "0", "--store", str(tmp_path / "store"), "--model", "click"]
    command = [sys.executable, "-m", "napari_medt", "serve", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            said = [process.stdout.readline() for _ in range(5)]
            address = re.fullmatch(r"  (http://127\.0\.0\.1:\d+/[\w-]{20,})\n", said[1])[1]
            told = httpx.get(f"{address}/info/", trust_env=False).json()
            without = httpx.get(f"{address.rpartition('/')[0]}/info/", trust_env=False)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
            rest = process.stdout.read() + process.stderr.read()
    assert set(told["models"]) == {"click", "click-through-slices", "click-scribbles"}
    assert told["datastore"]["total"] == 4, "three pictures and a scan"
    assert without.status_code == 401
    assert "MONAI Label server" in said[2]
    assert str(tmp_path / "store") in said[4]
    assert "Traceback" not in rest
    assert process.returncode in (0, 130, -signal.SIGINT)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "0.0.0.0", "--no-token"], "without a token anybody"),
        (["--token", "x"], "the token must be"),
        (["--token", "long-enough", "--no-token"], "not both"),
        (["nowhere"], "no such folder"),
        (["--model", "nothing"], "There is no model"),
        (["--port", "99999"], "ports are numbered"),
    ],
)
def test_what_cannot_be_served_is_told_in_a_line(tmp_path, words, said):
    done = run("--store", str(tmp_path / "store"), *words)
    assert done.exit_code == 1
    assert said in " ".join(done.output.split())


def test_without_the_extra_it_is_told_what_to_install(monkeypatch):
    import napari_medt.cli.serve as command

    there = command.find_spec
    monkeypatch.setattr(command, "find_spec", lambda name: None if name == "uvicorn" else there(name))
    done = run()
    assert done.exit_code == 1
    assert "pip install 'napari-medt[server]'" in " ".join(done.output.split())


def test_labels_and_token_are_told_as_they_are(tmp_path, monkeypatch):
    """Without a server: what is handed on, and what is said."""
    from napari_medt.serving import running

    given = []

    def serve(settings, on_start):
        given.append(settings)
        on_start("http://127.0.0.1:8000")

    monkeypatch.setattr(running, "serve", serve)
    done = run("--no-token", "--store", str(tmp_path), "-m", "click", "-m", "nuclei")
    assert done.exit_code == 0, done.output
    assert given[0].models == ("click", "nuclei")
    assert given[0].token is None
    assert "images that clients send" in done.output
    assert "there is no token" in done.output
    for _ in range(3):
        run("--store", str(tmp_path))
    assert len({settings.token for settings in given[1:]} - {None}) == 3, "a new one each time"
