"""For each channel of a model, one of the image's is chosen."""

from __future__ import annotations

from qtpy.QtWidgets import QLabel

from napari_medt.controls.reading.channel_roles import ChannelRoles


def test_each_of_the_models_channels_lists_those_of_the_image_and_all_are_told_in_order(qtbot):
    roles = ChannelRoles()
    qtbot.addWidget(roles)
    told = []
    roles.chosen.connect(told.append)
    roles.offer(("red", "green", "blue"), 4, (2, 0, 1))
    assert [label.text() for label in roles.findChildren(QLabel)] == ["red", "green", "blue"]
    assert [combo.currentText() for combo in roles.combos] == ["3rd", "1st", "2nd"]
    assert [combo.itemText(row) for combo in roles.combos[:1] for row in range(combo.count())] == [
        "1st",
        "2nd",
        "3rd",
        "4th",
    ]
    assert told == []
    roles.combos[1].setCurrentIndex(3)
    roles.combos[1].activated.emit(3)
    assert told == [(2, 3, 1)]
    roles.offer(("nuclei", "membranes"), 2, (1, 0))
    assert [combo.currentText() for combo in roles.combos] == ["2nd", "1st"]
