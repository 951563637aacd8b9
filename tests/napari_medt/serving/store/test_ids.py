from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from napari_medt.serving.store.ids import Asker, key_of

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates among it


@given(ANY_TEXT)
def test_any_text_becomes_a_plain_name_of_one_length(text):
    assert re.fullmatch(r"[0-9a-f]{32}", key_of(text))


@given(st.lists(ANY_TEXT, max_size=3), st.lists(ANY_TEXT, max_size=3))
def test_different_texts_have_different_names(one, other):
    assert (key_of(*one) == key_of(*other)) == (one == other)


def test_parts_are_told_apart():
    assert key_of("ab", "c") != key_of("a", "bc") != key_of("abc")
    assert Asker("10.0.0.1", "x").key != Asker("10.0.0.", "1x").key


def test_a_machine_has_one_key_whatever_its_clients_are_called():
    assert Asker("10.0.0.1", "a").machine_key == Asker("10.0.0.1", "b").machine_key
