"""What may be chosen of learning: every option of a client is checked, and it cannot ask for more than there is."""

from __future__ import annotations

import pytest

from napari_medt.serving.answers import Refusal
from napari_medt.serving.monai_label.learning.choices import learning_options, settings_of
from src_models.finetuning.settings import FinetuneSettings
from src_models.models.header import read_header
from src_models.models.library import find_model


@pytest.fixture(scope="module")
def nuclei():
    return read_header(find_model("nuclei"))


def test_what_is_offered_is_taken_as_it_comes_back_also_as_text(nuclei):
    offered = learning_options(nuclei)
    assert all(isinstance(word, str) for word in offered["what_changes"])
    assert offered["what_changes"][0] == "full"
    first = {name: value[0] if isinstance(value, list) else value for name, value in offered.items()}
    usual = FinetuneSettings()
    for chosen in (first, {name: str(value) for name, value in first.items()}, {}):
        assert FinetuneSettings(**settings_of(chosen, nuclei)) == usual
    other = offered["what_changes"][1]
    assert settings_of({"what_changes": other, "steps": "7"}, nuclei) == {"steps": 7, "part": other}


def test_files_and_devices_are_not_a_client_s_to_choose(nuclei):
    told = {"device": "cuda", "strategy": "ddp", "model": "/etc/passwd", "folder": "/", "client_id": "ada"}
    assert settings_of(told, nuclei) == {"steps": FinetuneSettings().steps}


@pytest.mark.parametrize(
    "chosen",
    [{"steps": 1e9}, {"steps": 2.5}, {"seconds": "nan"}, {"seconds": []}, {"what_changes": "all"}, {"seconds": -1}],
)
def test_values_that_cannot_be_are_refused_by_name(nuclei, chosen):
    with pytest.raises(Refusal, match=next(iter(chosen))):
        settings_of(chosen, nuclei)
