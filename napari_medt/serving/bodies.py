"""Bodies of requests: counted as they come, read as what they should be, and refused in words."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers, UploadFile
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from napari_medt.serving.answers import Refusal

__all__ = ["Form", "Limited", "read_form", "read_json"]

_MOST_JSON = 4 * 2**20  # bytes; points and choices are a few kB
_MOST_FIELDS = 16
_DEEPEST = 64  # of arrays in arrays


class Limited:
    """Refuses bodies that are larger than the limit, whatever their headers say.

    Parameters
    ----------
    app
        What reads them.
    most
        Bytes.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on.

        Raises
        ------
        Refusal
            Where the body is read and is too large (413).
        """
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        told = Headers(scope=scope).get("content-length", "0")
        if told.isascii() and told.isdigit() and int(told) > self._most:
            raise self._too_large()
        count = 0

        async def counted() -> Message:
            nonlocal count
            message = await receive()
            count += len(message.get("body", b""))
            if count > self._most:
                raise self._too_large()
            return message

        await self.app(scope, counted, send)

    def _too_large(self) -> Refusal:
        return Refusal(
            413, f"this is larger than the {self._most / 2**20:,.0f} MB that the server takes at once: crop the volume"
        )


@dataclass(frozen=True, slots=True)
class Form:
    """A form: what is in its text fields, and its files by field.

    Parameters
    ----------
    fields
        Texts by name.
    files
        Files by name; their own names are those of the client's disk, and are never used.
    """

    fields: Mapping[str, str]
    files: Mapping[str, UploadFile]

    def params(self) -> dict[str, Any]:
        """Return the JSON object in the field ``params``; an empty one where there is none.

        Raises
        ------
        Refusal
            If it is no JSON object (400).
        """
        return _object(self.fields.get("params", ""), "the field params")

    def file(self, *names: str) -> UploadFile:
        """Return the file of the first of some fields that is there.

        Raises
        ------
        Refusal
            If none is (400).
        """
        for name in names:
            if name in self.files:
                return self.files[name]
        raise Refusal(400, f"a file is missing in this request: it belongs into the field {names[0]!r}")


@asynccontextmanager
async def read_form(request: Request) -> AsyncIterator[Form]:
    """Read a form (multipart), whose files are there as long as the block runs.

    Raises
    ------
    Refusal
        If the client broke off, or it has too many fields (400).
    """
    async with request.form(max_files=2, max_fields=_MOST_FIELDS, max_part_size=_MOST_JSON) as form:
        fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
        files = {name: value for name, value in form.multi_items() if isinstance(value, UploadFile)}
        yield Form(fields, files)


async def read_json(request: Request) -> dict[str, Any]:
    """Read a body that is a JSON object; an empty body is an empty one.

    Raises
    ------
    Refusal
        If it is none (400), or too large for one (413).
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_JSON:
            raise Refusal(413, f"this request is larger than the {_MOST_JSON // 2**20} MB that settings may take")
    return _object(body.decode("utf-8", "replace"), "the request")


def _object(text: str, what: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        found = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, f"{what} is no JSON, as this address expects it") from error
    if not isinstance(found, dict) or _depth(found) > _DEEPEST:
        raise Refusal(400, f"{what} is no JSON object, as this address expects it")
    return found


def _no_number(name: str) -> float:
    raise ValueError(name)


def _depth(value: Any) -> int:
    """Return how deep arrays and objects lie in each other."""
    level, depth = [value], 0
    while level and depth <= _DEEPEST:
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ())
        ]
        depth += 1
    return depth
