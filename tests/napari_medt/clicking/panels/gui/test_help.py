"""The table of keys names every key that does something."""

from __future__ import annotations

import re

from qtpy.QtWidgets import QLabel

from napari_medt.clicking.panels.help import help_table


def test_every_key_of_the_widget_is_in_the_table(clicking):
    _, widget, _ = clicking()
    table = next(label for label in widget.findChildren(QLabel) if label.text().startswith("<table>"))
    named = ", ".join(re.findall(r"<b>(.*?)</b>", table.text()))
    for keys in widget._keys():
        key = keys.split(", ")[0].replace("Plus", "+").replace("Minus", "-").replace("Shift+", "Shift + ")
        assert re.search(rf"(^|, ){re.escape(key)}(,|$)", named), keys


def test_the_table_breaks_its_rows_in_a_narrow_dock(qtbot):
    table = help_table()
    qtbot.addWidget(table)
    assert table.wordWrap()
    assert table.heightForWidth(150) > table.heightForWidth(600)
