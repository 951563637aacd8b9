from __future__ import annotations

import errno
import logging

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.testclient import TestClient

from napari_medt.serving.answers import HANDLERS, Refusal, Unforeseen
from src_models.disk.atomic import output_error
from src_models.errors import ImageError


def answer_to(error, cause=None):
    async def fail(request):
        raise error from cause

    app = Starlette(routes=[Route("/", fail)], middleware=[Middleware(Unforeseen)], exception_handlers=HANDLERS)
    return TestClient(app).get("/")


FULL = OSError(errno.ENOSPC, "No space left on device", "/home/anna/store")


@pytest.mark.parametrize(
    ("error", "cause", "status", "words"),
    [
        (Refusal(413, "too large: crop it"), None, 413, "too large: crop it"),
        (ImageError("'liver': it is damaged"), None, 400, "'liver': it is damaged"),
        (FULL, None, 507, "the disk of the server is full"),
        (output_error("/home/anna/store", FULL), FULL, 507, "the disk of the server is full"),
        (output_error("/home/anna", PermissionError(errno.EACCES, "no")), None, 507, "cannot write to its store"),
    ],
)
def test_what_a_person_can_act_on_is_one_sentence(error, cause, status, words):
    answer = answer_to(error, cause)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/plain; charset=utf-8")
    assert words in answer.text
    assert "anna" not in answer.text
    assert "\n" not in answer.text


def test_what_nobody_foresaw_is_logged_without_its_message(caplog):
    with caplog.at_level(logging.DEBUG):
        answer = answer_to(KeyError("Miller^Anna.nii.gz"))
    assert answer.status_code == 500
    assert "KeyError" in answer.text
    assert "raise error" in caplog.text, "where it was raised"
    assert "Miller" not in answer.text + caplog.text


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("POST", "/", 405)])
def test_wrong_addresses_are_told_in_words(method, path, status):
    app = Starlette(routes=[Route("/", answer_to)], exception_handlers=HANDLERS)
    answer = TestClient(app).request(method, path)
    assert answer.status_code == status
    assert "address" in answer.text
