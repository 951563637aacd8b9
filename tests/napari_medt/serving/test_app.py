from __future__ import annotations

import subprocess
import sys

import pytest
from served import server_of

from src_models.errors import UserError


def test_what_is_wrong_is_told_when_it_is_started(settings, tmp_path):
    from napari_medt.serving.app import make_app

    with pytest.raises(UserError, match="no such folder"):
        make_app(settings(folder=tmp_path / "nowhere"))
    with pytest.raises(UserError, match="There is no model"):
        make_app(settings(models=("nothing",)))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="cannot be written"):
        make_app(settings(store=tmp_path / "file" / "store"))


def test_bodies_have_the_limit_of_the_settings(connect):
    client = connect(body_bytes=1000)
    answer = client.put("/session/", files={"files": b"x" * 2000})
    assert answer.status_code == 413
    assert not list((server_of(client).settings.store / "sessions").iterdir())


@pytest.mark.parametrize("path", ["/", "/wp-admin", "/model/nuclei", "/proxy/dicom", "/logs/", "/ohif/", "/docs"])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_there_is_nothing_else(connect, method, path):
    """No weights are taken, no logs given, nothing is passed on."""
    answer = connect().request(method, path)
    assert answer.status_code == 404
    assert "nothing at this address" in answer.text


def test_the_server_needs_neither_napari_nor_qt_nor_torch_to_start(tmp_path):
    code = (
        "import sys; from pathlib import Path; from napari_medt.serving.app import make_app\n"
        "from napari_medt.serving.settings import ServeSettings\n"
        f"make_app(ServeSettings(store=Path({str(tmp_path)!r}), models=('click', 'nuclei')))\n"
        "print(*(name for name in ('napari', 'qtpy', 'PyQt6', 'vispy', 'torch') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
