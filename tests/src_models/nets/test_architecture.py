"""The record that a family makes its own of."""

import re

import pytest

from src_models.models.architectures import ARCHITECTURES
from src_models.nets.architecture import Architecture

RECORD = pytest.mark.parametrize("record", ARCHITECTURES, ids=[record.name for record in ARCHITECTURES])


def test_a_family_that_says_nothing_has_nothing_to_show_and_takes_all():
    record = Architecture(name="n", line="l", paper="p", family="f")
    assert (record.maps({}), record.usual_maps({}), record.matrices({})) == ([], [], [])
    assert (record.blocks({}), record.branches({})) == ([], [])
    assert (record.window({}), record.largest({})) == (None, None)
    assert record.configure({"depth": 3}, 64) == {"depth": 3}
    assert record.recipe(10) == {}
    with pytest.raises(NotImplementedError):
        record.make()


def test_all_maps_are_usual_where_nothing_else_is_said():
    class Record(Architecture):
        def maps(self, config):
            return [f"map {number}" for number in range(config["depth"])]

    assert Record(name="n", line="l", paper="p", family="f").usual_maps({"depth": 2}) == ["map 0", "map 1"]


@RECORD
def test_a_record_names_its_paper_and_no_two_options_alike(record):
    assert re.search(r"\b\d{4}, .+, (arXiv \d{4}\.\d{4,5}|LNCS \d+, pages \d+-\d+)$", record.paper)
    names = [option.name for option in record.options]
    assert len(set(names)) == len(names)
    assert all(option.help.endswith(".") for option in record.options)
    assert "full" not in {part.name for part in record.parts}, "which every network has"


def test_options_of_one_name_are_one_option():
    """The command line has one for both families."""
    found = {}
    for option in (option for record in ARCHITECTURES for option in record.options):
        assert found.setdefault(option.name, option) == option
