"""Are the maps of why true: checked on the run that is shown, in a real viewer."""

from __future__ import annotations

import pytest
from class_scene import IMAGE, LABELS, settle

from src_models.auditing.auditor import audit
from src_models.models.checkpoint import load

pytestmark = pytest.mark.usefixtures("plugin_registered")


def test_what_is_found_is_what_python_and_the_shell_find(classifying, classify, qtbot, brightness_model_path):
    _, widget, _, _ = classifying()
    panel = widget.controls.check
    assert not panel.isEnabled()
    classify(widget)
    assert panel.isEnabled()
    with qtbot.waitSignal(panel.run.ended, timeout=120_000):
        panel.check.click()
    settle(qtbot, widget)
    found = audit(IMAGE, load(brightness_model_path), labels=LABELS, device="cpu", name="layer 'discs'")
    assert panel.findings.toPlainText() == "\n".join(f"• {sentence}" for sentence in found.summary)
    assert panel.check.isEnabled()


def test_the_map_that_is_chosen_is_checked_beside_what_speaks_for_the_class(
    classifying, classify, qtbot, attending_model_path
):
    _, widget, _, _ = classifying(model=attending_model_path)
    classify(widget)
    why, panel = widget.controls.why, widget.controls.check
    why.what.setCurrentIndex(why.what.findData("look"))
    why.views.setCurrentIndex(why.views.findData("small window 1.2"))
    with qtbot.waitSignal(panel.run.ended, timeout=120_000):
        panel.check.click()
    settle(qtbot, widget)
    how = {"labels": LABELS, "device": "cpu", "maps": ["class relevance", "small window 1.2 received"]}
    found = audit(IMAGE, load(attending_model_path), name="layer 'discs'", **how)
    assert panel.findings.toPlainText() == "\n".join(f"• {sentence}" for sentence in found.summary)


def test_a_check_can_be_cancelled_and_another_run_clears_it(classifying, classify, qtbot):
    viewer, widget, _, _ = classifying()
    classify(widget)
    panel = widget.controls.check
    with qtbot.waitSignal(panel.run.ended, timeout=120_000):
        panel.check.click()
        panel.run_bar.cancel.click()
    settle(qtbot, widget)
    assert panel.run_bar.status.text() == "Cancelled."
    assert panel.findings.toPlainText() == ""
    panel.say(("something",))
    viewer.layers.remove("objects")
    settle(qtbot, widget)
    assert panel.findings.toPlainText() == ""
    assert not panel.isEnabled()
