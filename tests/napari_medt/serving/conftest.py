"""Settings of servers, in folders of the test."""

from __future__ import annotations

import pytest
from served import TOKEN, connected

from napari_medt.serving.settings import Limits, ServeSettings


@pytest.fixture
def settings(tmp_path):
    """Return a function that makes settings; without a folder of images unless it is told one."""

    def settings_(**options):
        limits = Limits(**{name: options.pop(name) for name in list(options) if name in Limits.__dataclass_fields__})
        options = {"store": tmp_path / "store", "token": TOKEN, "models": ("click", "nuclei"), **options}
        return ServeSettings(limits=limits, port=0, **options)

    return settings_


@pytest.fixture
def connect(settings):
    """Return a function that starts a server in this process, and gives a client of it."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(connected(settings(**options)))
