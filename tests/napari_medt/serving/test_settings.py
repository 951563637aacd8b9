from __future__ import annotations

from pathlib import Path

import pytest

from napari_medt.serving.settings import ServeSettings, is_loopback
from src_models.errors import UserError


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_alone_may_do_without_a_token(host):
    assert ServeSettings(store=Path("store"), host=host).token is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "server.hospital.example", "", "127.0.0.1.example"])
def test_other_machines_get_in_with_a_token_alone(host):
    assert not is_loopback(host)
    with pytest.raises(UserError, match="without a token anybody on the network"):
        ServeSettings(store=Path("store"), host=host)
    assert ServeSettings(store=Path("store"), host=host, token="long-enough").host == host


@pytest.mark.parametrize(
    "token", ["", "short", "with/slash-in-it", "with blank", "späteres", "a" * 201, "per%cent-sign"]
)
def test_a_token_stands_in_an_address_as_it_is(token):
    with pytest.raises(UserError, match="token"):
        ServeSettings(store=Path("store"), token=token)


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_that_is_none_is_refused(port):
    with pytest.raises(UserError, match="port"):
        ServeSettings(store=Path("store"), port=port)
