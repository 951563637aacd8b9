"""What commands say: lines, tables and bars on a terminal and in a pipe, quietly and with the log."""

import inspect
import io
import logging
import re

import pytest
import typer
from rich.table import Table
from typer.testing import CliRunner

from napari_medt.cli import console as module
from napari_medt.cli.console import Console, complain, show_any_letter, with_voice
from src_models.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Make stdout a terminal of 40 columns, and give what it shows."""

    def make():
        shown = Terminal()
        monkeypatch.setattr("sys.stdout", shown)
        monkeypatch.setenv("COLUMNS", "40")
        monkeypatch.setenv("TERM", "xterm")
        return shown

    return make


@pytest.fixture
def run():
    """Run a function as a command of its own; give the result."""

    def go(function, *arguments):
        app = typer.Typer()
        app.command()(with_voice(function))
        return CliRunner(env={"COLUMNS": "40"}).invoke(app, arguments)

    return go


def table():
    found = Table("Name", "For", title="Models")
    found.add_row("nuclei", "what is long " * 20)
    return found


def test_a_line_is_not_broken_and_brackets_are_no_markup(capsys):
    Console().say("a[bold].tif -> " + "far/" * 50)
    assert capsys.readouterr().out == "a[bold].tif -> " + "far/" * 50 + "\n"


def test_a_table_in_a_pipe_is_as_wide_as_its_cells_and_has_no_blank_lines(capsys):
    Console().show(table())
    lines = capsys.readouterr().out.splitlines()
    assert all(line and line == line.rstrip() for line in lines)
    (row,) = [line for line in lines if "nuclei" in line]
    assert ("what is long " * 20).strip() in row


def test_a_table_on_a_terminal_is_as_wide_as_that(terminal):
    shown = terminal()
    Console().show(table())
    assert max(map(len, re.sub(r"\x1b\[[\d;]*m", "", shown.getvalue()).splitlines())) <= 40


def test_in_a_pipe_there_is_no_bar(capsys):
    with Console().bar("cells.tif") as report:
        report(Progress(1, 2, "predicting"))
    assert capsys.readouterr().out == ""


def test_a_bar_says_what_is_done_and_goes_when_it_is_over(terminal):
    stdout = terminal()
    console = Console()
    with console.bar("a[1].tif") as report:
        report(Progress(1, 2, "tiles"))
        console.say("objects -> out")
    shown = stdout.getvalue()
    assert "a[1].tif: tiles" in shown
    assert "50%" in shown
    assert "objects -> out\n" in shown
    assert shown.endswith("\x1b[2K"), "the line of the bar is cleared"


def test_a_bar_without_a_title_shows_with_its_first_step(terminal):
    shown = terminal()
    with Console().bar() as report:
        report(Progress(3, 4, "loss 0.5"))
    assert "loss 0.5" in shown.getvalue()
    assert "75%" in shown.getvalue()


@pytest.mark.parametrize("options", [[], ["--quiet"], ["--verbose"], ["--quiet", "--verbose"]])
def test_another_process_can_be_made_to_speak_alike(run, options):
    spoken = []
    run(lambda: spoken.extend(Console().voice), *options)
    assert spoken == options


def test_an_error_is_one_line_on_stderr(capsys):
    complain("a.tif:\n  it cannot be read")
    assert capsys.readouterr() == ("", "Error: a.tif: it cannot be read\n")


def test_letters_that_an_output_lacks_are_shown_by_their_number():
    """As on Windows, when output goes to a file, or for names that are no text on Linux."""
    for encoding, shown in (
        ("cp1252", "\\u7d30\xb5\\udcff"),
        ("ascii", "\\u7d30\\xb5\\udcff"),
        ("utf-8", "\u7d30\xb5\\udcff"),
    ):
        output = io.TextIOWrapper(io.BytesIO(), encoding)
        show_any_letter(output, io.StringIO())
        output.write("\u7d30\xb5\udcff")
        output.flush()
        assert output.buffer.getvalue() == shown.encode(encoding)


def test_of_warnings_of_one_kind_the_first_are_said_once_and_the_others_counted(run):
    def command() -> None:
        log = logging.getLogger("src_models.somewhere")
        for number in (*range(8), *range(8)):
            log.warning("mask %s lies elsewhere", number)
        log.warning("of another kind")

    assert run(command).stderr.splitlines() == [
        *(f"WARNING src_models.somewhere: mask {number} lies elsewhere" for number in range(5)),
        "WARNING src_models.somewhere: of another kind",
        "WARNING: 3 more of this kind, of other files",
    ]


def test_a_command_keeps_its_own_options(run):
    def command(name: str, count: int = 1) -> None:
        """Say a name."""
        for _ in range(count):
            Console().say(name)

    speaking = with_voice(command)
    assert list(inspect.signature(speaking).parameters) == ["name", "count", "quiet", "verbose"]
    assert speaking.__doc__ == "Say a name."
    assert run(command, "nuclei", "--count", "2").stdout == "nuclei\nnuclei\n"


@pytest.mark.parametrize(
    ("options", "out", "err"),
    [
        ([], "found\n", ["WARNING", "ERROR"]),
        (["-q"], "", ["ERROR"]),
        (["--verbose"], "found\n", ["DEBUG", "INFO", "WARNING", "ERROR"]),
        (["-q", "-v"], "", ["DEBUG", "INFO", "WARNING", "ERROR"]),
    ],
)
def test_quiet_and_verbose_choose_what_is_heard(run, options, out, err):
    loggers = [logging.getLogger(name) for name in ("src_models.somewhere", "napari_medt.somewhere")]
    others = [logging.getLogger(name) for name in ("src_models", "napari_medt")]
    before = [(logger.level, list(logger.handlers)) for logger in others]

    def command() -> None:
        Console().say("found")
        with Console().bar("looking") as report:
            report(Progress(1, 2, "tiles"))
        for logger in loggers:
            for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
                logger.log(level, "noted %d", 1)
        logging.getLogger("another.package").info("not ours")

    done = run(command, *options)
    assert done.stdout == out
    expected = [f"{level} {logger.name}: noted 1" for logger in loggers for level in err]
    assert done.stderr.splitlines() == expected
    assert [(logger.level, list(logger.handlers)) for logger in others] == before, (
        "as it was, also for the next command"
    )
    assert not module._quiet.get()
