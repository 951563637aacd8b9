"""Answers of two parts, parameters and a file, as 3D Slicer's client takes them apart.

It reads up to ``Content-Length``, in one piece and unpacked, and makes a file of the part that has a file name: so the
answer is a whole one, and the name a plain one of the server's own.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

__all__ = ["two_parts"]


def two_parts(params: Mapping[str, Any], content: bytes, suffix: str) -> Response:
    """Return parameters and a file.

    Parameters
    ----------
    params
        What JSON can hold.
    content, suffix
        The file, and how its name ends.
    """
    word = secrets.token_hex(16)
    name = f"labels-{secrets.token_hex(8)}{suffix}"
    told = json.dumps(params).encode()
    body = b"".join(
        (
            f'--{word}\r\nContent-Disposition: form-data; name="params"\r\n'
            "Content-Type: application/json\r\n\r\n".encode(),
            told,
            f'\r\n--{word}\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n".encode(),
            content,
            f"\r\n--{word}--\r\n".encode(),
        )
    )
    return Response(body, media_type=f"multipart/form-data; boundary={word}")
