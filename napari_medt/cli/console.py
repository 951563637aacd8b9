"""What commands say, and how: lines and tables on stdout, errors on stderr, bars and colours on a terminal alone."""

from __future__ import annotations

import functools
import inspect
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from src_models.progress import Progress

__all__ = ["Console", "Quiet", "Report", "Verbose", "complain", "set_voice", "show_any_letter", "with_voice"]

Report = Callable[["Progress"], None]

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print the log as well, on stderr.")]

_OURS = ("napari_medt", "src_models")
_MOST_OF_KIND = 5  # warnings that differ in a name alone
_UNLIMITED = 10_000  # columns of a table in a pipe, where nothing is gained by folding its cells

_quiet: ContextVar[bool] = ContextVar("quiet", default=False)
_verbose: ContextVar[bool] = ContextVar("verbose", default=False)


class Console:
    """Where a command says what it does and found; with ``--quiet``, or where it is one of several that do, nothing."""

    def __init__(self, *, quiet: bool = False) -> None:
        from rich.console import Console as RichConsole

        self._rich = RichConsole(soft_wrap=True, highlight=False, markup=False, quiet=quiet or _quiet.get())

    @property
    def voice(self) -> list[str]:
        """The options with which another command speaks as this one does."""
        return ["--quiet"] * _quiet.get() + ["--verbose"] * _verbose.get()

    @property
    def width(self) -> int:
        """Columns that a line has."""
        return self._rich.width

    def say(self, line: str, style: str | None = None) -> None:
        """Print a line, which may be longer than the terminal is wide."""
        self._rich.print(line, style=style)

    def notes(self, notes: Iterable[str]) -> None:
        """Print what a person should know of an image that was read, below the line that says how."""
        for note in notes:
            self.say(f"  {note}", style="yellow")

    def show(self, table: Table) -> None:
        """Print a table: as wide as the terminal; elsewhere as wide as it is, without blank lines."""
        if self._rich.is_terminal:
            self._rich.print(table, soft_wrap=False)
            return
        from rich.console import Console as RichConsole

        wide = RichConsole(width=_UNLIMITED, highlight=False, markup=False)
        with wide.capture() as text:
            wide.print(table)
        for line in filter(None, map(str.rstrip, text.get().splitlines())):
            self._rich.print(line)

    @contextmanager
    def bar(self, title: str = "") -> Iterator[Report]:
        """Show a bar on a terminal for as long as the block runs, and give what moves it."""
        if not self._rich.is_terminal or self._rich.quiet:
            yield _unseen
            return
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
        with Bar(*columns, TimeRemainingColumn(), console=self._rich, transient=True) as bar:
            task = bar.add_task(title, total=None, visible=bool(title))

            def report(progress: Progress) -> None:
                description = ": ".join(filter(None, (title, progress.message)))
                total = progress.total or None
                bar.update(task, completed=progress.done, total=total, description=description, visible=True)

            yield report


def _unseen(progress: Progress) -> None:
    """Take note of progress where nobody looks."""


def complain(message: str) -> None:
    """Print an error as one line on stderr."""
    typer.echo(f"Error: {' '.join(message.split())}", err=True)


def show_any_letter(*streams: Any) -> None:
    r"""Have letters that an output cannot show appear as ``\u7d30`` there, instead of ending the command.

    Names of files have letters that a code page lacks (Windows, when output goes to a file), and on Linux even some
    that no encoding has.
    """
    for stream in streams:
        if hasattr(stream, "reconfigure"):  # not what a test or a notebook puts there
            stream.reconfigure(errors="backslashreplace")


def set_voice(*, quiet: bool, verbose: bool) -> None:
    """Hear what was asked for before the command's name, as in ``napari-medt -q segment``."""
    _quiet.set(quiet)
    _verbose.set(verbose)


def with_voice(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options ``--quiet`` and ``--verbose``, which hold for all that it prints."""
    signature = inspect.signature(command, eval_str=True)

    @functools.wraps(command)
    def speaking(*args: Any, quiet: bool, verbose: bool, **kwargs: Any) -> None:
        with _voice(quiet=quiet or _quiet.get(), verbose=verbose or _verbose.get()):
            command(*args, **kwargs)

    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=annotation)
        for name, annotation in (("quiet", Quiet), ("verbose", Verbose))
    ]
    speaking.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *added])  # type: ignore[attr-defined]
    return speaking


@contextmanager
def _voice(*, quiet: bool, verbose: bool) -> Iterator[None]:
    """Say nothing, or more than usual, for as long as the block runs."""
    level = logging.DEBUG if verbose else logging.ERROR if quiet else logging.WARNING
    handler = _LogOnStderr()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    loggers = [logging.getLogger(name) for name in _OURS]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(level)
    tokens = _quiet.set(quiet), _verbose.set(verbose)
    try:
        yield
    finally:
        _quiet.reset(tokens[0])
        _verbose.reset(tokens[1])
        for logger, old in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(old)
        handler.end()


class _LogOnStderr(logging.Handler):
    """Writes to what stderr is at the time, so that a bar is not torn.

    What was said is not said again, and of warnings of one kind, such as one for each file of a data set, the first are
    said and the others counted.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: set[str] = set()
        self._of_kind: Counter[tuple[str, str]] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        line, kind = self.format(record), (record.name, str(record.msg))
        if record.levelno == logging.WARNING:
            if line in self._said:
                return
            self._said.add(line)
            self._of_kind[kind] += 1
        if record.levelno != logging.WARNING or self._of_kind[kind] <= _MOST_OF_KIND:
            typer.echo(line, err=True)

    def end(self) -> None:
        """Say how many warnings were not said."""
        more = sum(max(0, count - _MOST_OF_KIND) for count in self._of_kind.values())
        if more:
            typer.echo(f"WARNING: {more} more of this kind, of other files", err=True)
