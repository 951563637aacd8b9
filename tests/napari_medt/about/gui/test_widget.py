"""What the plugin says of itself: not a medical device, its version, and every shipped model as it must be cited."""

import re
from dataclasses import replace

import pytest
from typer.testing import CliRunner

import napari_medt
from napari_medt.about.widget import AboutWidget, about_page
from napari_medt.cli import app
from src_models.models.citations import citation_lines, citations_of
from src_models.models.library import shipped_models


@pytest.fixture
def text(qtbot):
    about = AboutWidget()
    qtbot.addWidget(about)
    return about.text.toPlainText()


def test_it_says_what_it_is_not(text):
    assert text.index("Not a medical device.") < text.index("Models that ship with it")
    assert "diagnosis or treatment" in text
    assert f"MedT {napari_medt.__version__}" in text
    assert "BSD-3-Clause" in text


def test_every_shipped_model_is_told_with_its_licence_and_citations(text):
    assert shipped_models()
    for entry in shipped_models():
        part = text[text.index(f"\n{entry.name}\n") :]
        assert entry.header.purpose in part
        assert entry.header.licence in part
        for line in citation_lines(citations_of(entry.header)):
            assert line in part


def test_it_tells_what_the_shell_tells_of_sources(text):
    """``models --details`` has a line for each source; each is in the window, word by word."""
    shown = CliRunner(env={"COLUMNS": "100000"}).invoke(app, ["models", "--details"]).stdout
    lines = re.findall(r"^  learnt from +(.*)$", shown, flags=re.M)
    assert len(lines) >= len(shipped_models())
    assert [line for line in lines if line not in text] == []


def test_names_are_no_html():
    told = about_page([replace(shipped_models()[0], name="<i>mine")])
    assert "&lt;i&gt;mine" in told
    assert "<i>" not in told
