"""How the data that models learnt from are cited."""

import dataclasses
import json
import re

import pytest

from src_models.errors import DataSetError
from src_models.models.citations import (
    CITATION_FILE,
    Citation,
    as_fields,
    citation_lines,
    citations_of,
    known_citations,
    read_citations,
)
from src_models.models.header import ModelHeader
from src_models.models.library import shipped_models

MINE = Citation(
    name="mine", title="Cells", authors="Doe, Roe", year=2020, doi="10.1/2", licence="CC-BY-4.0", note="old"
)


def header(**training):
    return ModelHeader(
        name="m",
        purpose="",
        architecture="unet",
        config={},
        classes=("background", "cell"),
        channels=("grey",),
        training=training,
    )


def test_a_reference_says_who_what_where_licence_and_what_else_must_be_said():
    assert MINE.sentence == "Doe, Roe (2020): Cells. https://doi.org/10.1/2. Licence CC-BY-4.0. Old."
    bare = Citation(name="b", title="Cells", url="https://x.org/y", licence="MIT", copyright="Copyright (c) Z")
    assert bare.sentence == "Cells. https://x.org/y. Licence MIT, Copyright (c) Z."


def test_sets_of_one_source_share_a_line():
    other = dataclasses.replace(MINE, name="other")
    third = dataclasses.replace(MINE, name="third", licence="MIT")
    lines = citation_lines([MINE, third, other])
    assert lines == [f"mine, other: {MINE.sentence}", f"third: {third.sentence}"]


def test_a_header_tells_its_own_sources_and_those_of_the_models_that_it_came_from():
    parent = header(data_sets=as_fields([MINE]), data="mine").training
    second = dataclasses.replace(MINE, name="second")
    learnt = header(data_sets=as_fields([second]), parent_training={"parent_training": parent, "data_sets": []})
    assert citations_of(learnt) == [second, MINE]
    again = header(data_sets=as_fields([MINE]), parent_training=parent)
    assert citations_of(again) == [MINE], "each source once"


def test_fields_survive_the_header_and_what_is_empty_takes_no_place():
    stored = json.loads(header(data_sets=as_fields([MINE])).to_json())["training"]["data_sets"]
    assert stored == [
        {
            "name": "mine",
            "title": "Cells",
            "authors": "Doe, Roe",
            "year": 2020,
            "doi": "10.1/2",
            "licence": "CC-BY-4.0",
            "note": "old",
        }
    ]
    later = header(data_sets=[{**stored[0], "a_field_of_later": 1}])
    assert citations_of(later) == [MINE]


def test_models_that_name_their_data_alone_can_be_cited():
    """The names that the headers hold of what trained the models `nuclei` and `click`."""
    joined = citations_of(header(data="nuclei_data"))
    assert [citation.name for citation in joined] == ["dsb2018_fluo", "dsb2018_histo", "dsb2018_brightfield"]
    assert {citation.licence for citation in joined} == {"CC0-1.0"}
    listed = citations_of(header(data=["usiigaci_phase: phase contrast, cells", "made-up images"]))
    assert [(citation.name, citation.copyright) for citation in listed] == [
        ("usiigaci_phase", "Copyright (c) 2018 OIST")
    ]
    assert citations_of(header(data="somebody's own")) == []
    assert citations_of(header()) == []


def test_every_shipped_model_says_what_it_learnt_from_under_a_licence_that_lets_it_be_given_on():
    open_licences = re.compile(r"CC0-1\.0|CC-BY-[34]\.0|MIT|BSD-3-Clause|Apache-2\.0")
    for entry in shipped_models():
        cited = citations_of(entry.header)
        assert cited, entry.name
        for citation in cited:
            assert open_licences.fullmatch(citation.licence), (entry.name, citation)
            assert citation.authors, citation
            assert citation.doi or citation.url, citation


def test_a_set_of_several_sources_has_a_citation_for_each():
    found = known_citations(["phase_microbes", "phase_microbes", "unheard of"])
    assert [citation.licence for citation in found] == ["MIT", "BSD-3-Clause"]
    assert "model's (Omnipose)" in found[0].note


def test_a_data_set_brings_its_citations_along(tmp_path):
    assert read_citations(tmp_path) == []
    (tmp_path / CITATION_FILE).write_text(json.dumps(as_fields([MINE])))
    assert read_citations(tmp_path) == [MINE]


def test_a_data_set_that_brings_none_is_cited_as_the_set_of_its_name(tmp_path):
    (tmp_path / "bccd_wbc").mkdir()
    found = read_citations(tmp_path / "bccd_wbc")
    assert found == known_citations(["bccd_wbc"])
    assert len(found) == 2


@pytest.mark.parametrize(
    "content", ["{", '{"name": "a"}', '[{"title": "no name"}]', '[{"name": "a", "autors": "b"}]', "[1]"]
)
def test_a_file_of_citations_that_is_none_is_named(tmp_path, content):
    (tmp_path / CITATION_FILE).write_text(content)
    with pytest.raises(DataSetError, match=r"CITATION\.json: .* name and, as far as known, the others of name, title"):
        read_citations(tmp_path)


def test_every_set_that_is_measured_on_here_is_described(shared):
    folders = sorted(path.name for path in (shared / "data").iterdir() if path.is_dir())
    assert [name for name in folders if not known_citations([name])] == []
