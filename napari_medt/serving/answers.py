"""Answers for people: an error is one sentence in plain text, since that is what clients show in their dialogs.

What nobody foresaw is answered as such, and logged by the kind of error and the lines of code alone: its message may
hold the name of a file, and that of a patient.
"""

from __future__ import annotations

import errno
import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from src_models.errors import OutputError, UserError

__all__ = ["HANDLERS", "Refusal", "Unforeseen", "in_words"]

_log = logging.getLogger(__name__)

_FULL = (errno.ENOSPC, errno.EDQUOT)
_WORDS = {
    404: "there is nothing at this address; check what the server's address is",
    405: "this address does not take requests of this kind",
}


class Refusal(Exception):
    """A request that is not done, and why.

    Parameters
    ----------
    status
        HTTP status, 400 and above.
    sentence
        One sentence for the person at the client: what is wrong and what to do.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


def in_words(status: int, sentence: str) -> Response:
    """Return a sentence as an answer."""
    return PlainTextResponse(" ".join(sentence.split()), status)


def _answer(error: Exception) -> Response | None:
    """Return the answer to an error that a person can act on; None for others."""
    if isinstance(error, Refusal):
        return in_words(error.status, error.sentence)
    if isinstance(error, HTTPException):
        return in_words(error.status_code, _WORDS.get(error.status_code, error.detail))
    if isinstance(error, ClientDisconnect):
        return in_words(499, "the client has gone")  # nobody hears it
    cause = error.__cause__ if isinstance(error, OutputError) else error
    if isinstance(cause, OSError) and cause.errno in _FULL:
        return in_words(507, "the disk of the server is full: make room there, and try again; nothing was changed")
    if isinstance(error, OutputError):
        return in_words(507, "the server cannot write to its store: see there whether the folder may be written to")
    return in_words(400, str(error)) if isinstance(error, UserError) else None


async def _handle(_request: Request, error: Exception) -> Response:
    answer = _answer(error)
    if answer is None:
        raise error
    return answer


HANDLERS: dict[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
    Refusal: _handle,
    HTTPException: _handle,
    UserError: _handle,
    OSError: _handle,
}


class Unforeseen:
    """Answers what nobody foresaw, outermost."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception as error:
            answer = _answer(error)
            if answer is None:
                _log.error("not foreseen: %s\n%s", type(error).__name__, _lines(error))
                answer = in_words(
                    500,
                    f"something went wrong in the server that was not foreseen ({type(error).__name__}): its log says "
                    "where",
                )
            if not begun:
                await answer(scope, receive, send)


def _lines(error: BaseException) -> str:
    """Return where an error was raised, without its message."""
    return "".join(traceback.format_tb(error.__traceback__))
