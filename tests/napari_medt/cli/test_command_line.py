"""The command line as a whole, run as people run it: answers before torch is loaded, pipes, completion, help."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from napari_medt.cli import app

HEAVY = ("torch", "monai", "lightning_fabric", "skimage", "dask", "zarr", "scipy", "napari", "qtpy")
COMMANDS = sorted(typer.main.get_command(app).commands)
WRITING = {
    "attention", "audit", "classify", "click", "clicks", "convert", "correct", "correct-classes", "corrections", "demo",
    "evaluate", "export", "export-labels", "finetune", "measure", "next", "segment", "series", "track", "train",
}  # fmt: skip


@pytest.fixture
def napari_medt(tmp_path):
    """Run the command as a process in a folder of its own; the last line on stdout says what heavy was loaded."""
    code = (
        "import sys; from napari_medt.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: status = end.code\n"
        f"print('LOADED', *(name for name in {HEAVY} if name in sys.modules)); sys.exit(status)"
    )

    def run(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "XDG_DATA_HOME": str(tmp_path / "home"), **environment},
        )

    return run


@pytest.fixture
def folder(tmp_path, repository):
    """Files that are right, to be named beside one that is wrong."""
    (tmp_path / "a.png").write_bytes((repository / "sample_data" / "fluorescence.png").read_bytes())
    (tmp_path / "data" / "images").mkdir(parents=True)
    (tmp_path / "data" / "masks").mkdir()
    for inside, name in (("images", "fluorescence"), ("masks", "fluorescence_labels")):
        content = (repository / "sample_data" / f"{name}.png").read_bytes()
        (tmp_path / "data" / inside / "a.png").write_bytes(content)
    (tmp_path / "there").mkdir()
    for name in ("a_labels.tif", "m.safetensors", "l.tif", "f.json"):
        (tmp_path / "there" / name).touch()
    return tmp_path


# What is mistyped


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("segment a.png --model nuclie -o out", "There is no model 'nuclie'; .* Did you mean 'nuclei'"),
        ("segment a.png --model ./m.safetensors -o out", "there is no such model file"),
        ("segment b.png -o out", "b.png: there is no such file; check the name"),
        ("segment data -o out", "data: this folder holds no images"),
        ("segment *.nd2 -o out", "no image matches this pattern"),
        ("segment a.png -o out --model click", "the model 'click' answers clicks and does not segment by itself"),
        ("segment a.png -o there", "a_labels.tif exists already, so a.png was left"),
        ("segment a.png -o a.png/out", "cannot be written"),
        ("segment a.png -o out --device mps", "has no device 'mps'"),
        ("attention a.png --model nuclie -o out", "There is no model 'nuclie'"),
        ("attention b.png -o out", "b.png: there is no such file"),
        ("audit a.png --model nuclie", "There is no model 'nuclie'"),
        ("audit b.png", "b.png: there is no such file"),
        ("audit a.png --json there/f.json", "f.json exists already"),
        ("export-labels a.png -o there/f.json", "f.json exists already"),
        ("export nuclie", "There is no model 'nuclie'"),
        ("export nuclei -o there/f.json", "f.json exists already"),
        ("track b.png", "b.png: there is no such file"),
        ("track a.png -o there/f.json", "f.json exists already"),
        ("export-labels b.png -o b.zip", "b.png: there is no such file"),
        ("export-labels a.png -o a.txt", "NAME.geojson"),
        ("evaluate data --model nuclie", "There is no model 'nuclie'"),
        ("evaluate nothing", "nothing"),
        ("evaluate data --json there/f.json", "f.json exists already"),
        ("click a.png --at 5,5 -o l.tif --model clik", "There is no model 'clik'"),
        ("click b.png --at 5,5 -o l.tif", "b.png: there is no such file"),
        ("click a.png --at 5,5 -o there/l.tif", "l.tif exists already"),
        ("clicks data --model clik", "There is no model 'clik'"),
        ("clicks data --split all -o there/f.json", "f.json exists already"),
        ("next a.png --model nuclie", "There is no model 'nuclie'"),
        ("next b.png", "b.png: there is no such file"),
        ("next a.png --json there/f.json", "f.json exists already"),
        ("correct a.png b.tif --set out", "b.tif: there is no such file"),
        ("correct a.png a.png --set out --model nuclie", "There is no model 'nuclie'"),
        ("finetune data --model nuclie -o m.safetensors", "There is no model 'nuclie'"),
        ("finetune data --model nuclei -o there/m.safetensors", "m.safetensors exists already"),
        ("finetune data --model nuclei -o m.safetensors --device mps", "has no device 'mps'"),
        ("train nothing -o m.safetensors", "nothing"),
        ("train data -o there/m.safetensors", "m.safetensors exists already"),
        ("train data -o m.safetensors --start nuclie", "There is no model 'nuclie'"),
        ("train data -o m.safetensors --device mps", "has no device 'mps'"),
        ("convert c.pth -o m.safetensors", "c.pth: there is no such file"),
        ("convert a.png -o there/m.safetensors", "m.safetensors exists already"),
    ],
)
@pytest.mark.skipif(sys.platform == "darwin", reason="which has MPS")
def test_what_is_mistyped_is_one_sentence_before_torch_is_loaded(napari_medt, folder, arguments, words):
    before = {path for path in folder.rglob("*") if "home" not in path.parts}
    done = napari_medt(*arguments.split())
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.splitlines()
    assert re.match(f"Error: .*{words}", line), line
    assert done.stdout.splitlines() == ["LOADED"]
    assert {path for path in folder.rglob("*") if "home" not in path.parts} == before, "nothing is left behind"


# Help


def test_listing_and_help_load_nothing_heavy(napari_medt):
    for arguments in (["--help"], ["-h"], ["models"], ["models", "--json"], ["segment", "-h"], ["train", "--help"]):
        done = napari_medt(*arguments)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == "LOADED", arguments


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_no_types_of_flags_and_arguments_and_fits_80_columns(command):
    shown = CliRunner(env={"COLUMNS": "80"}).invoke(app, [command, "--help"]).stdout
    assert "bool" not in shown
    assert "<path>" not in shown.partition("Options")[0]
    assert max(map(len, shown.splitlines())) <= 80


def test_an_option_is_called_and_explained_alike_by_all_commands():
    said: dict[str, set[str]] = {}
    for command in typer.main.get_command(app).commands.values():
        for parameter in command.params:
            if parameter.param_type_name == "option":
                said.setdefault(max(parameter.opts, key=len), set()).add(f"{parameter.metavar}: {parameter.help}")
    shared = {
        "--axes", "--device", "--devices", "--diameter", "--licence", "--map", "--name", "--overwrite", "--purpose",
        "--quiet", "--seed", "--uneven", "--verbose", "--window",
    }  # fmt: skip
    assert {option: words for option, words in said.items() if option in shared and len(words) > 1} == {}
    assert shared <= said.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_writes_has_a_short_option_for_where_to(command):
    parameters = typer.main.get_command(app).commands[command].params
    short = [parameter for parameter in parameters if "-o" in parameter.opts]
    assert len(short) == (command in WRITING)
    assert {"-q", "-v"} <= {option for parameter in parameters for option in parameter.opts}


# Completion


def complete(napari_medt, words, shell="bash"):
    typed = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1), "_TYPER_COMPLETE_ARGS": words}
    done = napari_medt(_NAPARI_MEDT_COMPLETE=f"complete_{shell}", **typed)
    *found, loaded = done.stdout.splitlines()
    assert loaded == "LOADED", "nothing heavy"
    return list(filter(None, found))


def test_commands_models_and_choices_are_completed(napari_medt, tmp_path, tiny_model_path):
    own = tmp_path / "home" / "napari-medt" / "models"
    own.mkdir(parents=True)
    (own / "nuclei-of-mine.safetensors").write_bytes(tiny_model_path.read_bytes())
    assert complete(napari_medt, "napari-medt se") == ["segment", "series", "serve"]
    found = complete(napari_medt, "napari-medt segment --model nu")
    assert sorted(found) == ["nuclei", "nuclei-medt", "nuclei-of-mine"]
    assert complete(napari_medt, "napari-medt click a.tif --model cl") == ["click"]
    assert complete(napari_medt, "napari-medt attention a.tif --compare nuclei-m") == ["nuclei-medt"]
    assert complete(napari_medt, "napari-medt segment a.tif --device c") == ["cpu", "cuda"]
    assert complete(napari_medt, "napari-medt segment --skip") == ["--skip-existing"]
    assert complete(napari_medt, "napari-medt segment --model ./mi") == [], "the shell completes files"


def test_zsh_is_told_what_a_model_is_for(napari_medt):
    (line,) = complete(napari_medt, "napari-medt segment --model nuclei-m", shell="zsh")
    assert "Nuclei in fluorescence" in line


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_shown_and_installed_for_the_shell(napari_medt, tmp_path, shell):
    program = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1", "HOME": str(tmp_path)}
    shown = napari_medt("--show-completion", shell, **program)
    assert shown.returncode == 0, shown.stderr
    assert "_NAPARI_MEDT_COMPLETE=complete_" in shown.stdout
    done = napari_medt("--install-completion", shell, **program)
    assert done.returncode == 0, done.stderr
    assert f"{shell} completion installed in {tmp_path}" in done.stdout
    assert done.stdout.splitlines()[-1] == "LOADED"


# Pipes


def test_nothing_is_drawn_into_a_pipe(napari_medt, folder, tiny_model_path):
    done = napari_medt("segment", "a.png", "data/images", "--model", tiny_model_path, "-o", "out", "--diameter", 30)
    assert done.returncode == 1, "both images are called a"
    (folder / "data" / "images" / "a.png").rename(folder / "data" / "images" / "b.png")
    done = napari_medt("segment", "a.png", "data/images", "--model", tiny_model_path, "-o", "out", "--diameter", 30)
    assert done.returncode == 0, done.stderr
    *said, _ = done.stdout.splitlines()
    assert all(line.strip() for line in said), "no blank lines"
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f━]", done.stdout), "no codes, no bars"
    assert re.fullmatch(r"2 of 2 images segmented into out in \d+ s", said[-1])
    assert done.stderr == ""


def test_nothing_is_said_where_that_is_asked_for_and_the_log_where_that_is(napari_medt, folder, tiny_model_path):
    arguments = ("segment", "a.png", "--model", tiny_model_path, "-o", "out", "--diameter", 30, "--overwrite")
    for quiet in ((*arguments, "-q"), ("--quiet", *arguments)):
        done = napari_medt(*quiet)
        assert (done.returncode, done.stderr) == (0, "")
        assert len(done.stdout.splitlines()) == 1, "but for what was loaded"
    done = napari_medt(*arguments, "--verbose")
    assert re.search(r"INFO napari_medt\.cli\.segment: model tiny from .*, SHA-256 [0-9a-f]{64}", done.stderr)
    assert re.search(r"a\.png took [\d.]+ s \(\w+, \w+, tiles of 64 x 64 px\), record in out/a_labels", done.stderr)
    done = napari_medt("segment", "b.png", "-q")
    assert done.stderr.startswith("Error: b.png: there is no such file")


def test_on_a_terminal_there_is_a_bar(folder, tiny_model_path):
    """`script` gives the command a terminal."""
    if sys.platform != "linux" or not Path("/usr/bin/script").exists():
        pytest.skip("needs the program script of Linux")
    command = f"{sys.executable} -m napari_medt segment a.png --model {tiny_model_path} -o out --diameter 30"
    done = subprocess.run(
        ["/usr/bin/script", "-qec", command, "/dev/null"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    assert done.returncode == 0, done.stdout
    assert "━" in done.stdout
    assert "objects -> out/a_labels.tif" in done.stdout
