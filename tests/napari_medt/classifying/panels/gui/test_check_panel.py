"""Are the maps true: what can be pressed, and what is said."""

from qtpy.QtWidgets import QAbstractButton

from napari_medt.classifying.panels.check_panel import CheckPanel


def test_findings_are_shown_where_there_are_any_and_controls_say_what_they_do(qtbot):
    panel = CheckPanel()
    qtbot.addWidget(panel)
    assert panel.findings.isHidden()
    panel.say(("one", "two"))
    assert panel.findings.toPlainText() == "• one\n• two"
    assert not panel.findings.isHidden()
    panel.set_running(True)
    assert (panel.check.isEnabled(), panel.run_bar.cancel.isEnabled()) == (False, True)
    panel.set_running(False)
    assert (panel.check.isEnabled(), panel.run_bar.cancel.isEnabled()) == (True, False)
    assert all(button.toolTip() for button in panel.findChildren(QAbstractButton))
