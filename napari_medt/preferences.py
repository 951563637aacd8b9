"""The person's preferences for this plugin (napari: File > Preferences), declared in the manifest.

The Attention widget also writes them, so that it is found again as it was left; napari saves them at each change.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

__all__ = [
    "AttentionPreferences",
    "Preferences",
    "keep_attention",
    "keep_classify_model",
    "keep_correct_again",
    "keep_correct_model",
    "read_attention",
    "read_classify_model",
    "read_correct_again",
    "read_correct_model",
    "read_preferences",
]

_PLUGIN = "napari-medt"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the widgets start with.

    Parameters
    ----------
    model
        Name of the model that is chosen at first; the first one there is where it is empty or gone.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    threads
        Threads to compute with on the CPU; 0 for all cores but one.
    """

    model: str = "nuclei"
    device: str = "auto"
    threads: int = 0


@dataclass(frozen=True, slots=True)
class AttentionPreferences:
    """How the Attention widget was left.

    Parameters
    ----------
    model, other_model
        Names of the model that was looked at, and of the one it was compared with.
    view
        Name of the way to look at a place.
    follow
        Whether the pointer is followed.
    memory
        MB that may be kept for following the pointer.
    """

    model: str = "nuclei-medt"
    other_model: str = "nuclei"
    view: str = "global 2.1"
    follow: bool = True
    memory: int = 256


def read_preferences() -> Preferences:
    """Return the preferences; the defaults where napari does not know the plugin, as in a script."""
    chosen = _section("segment")
    if chosen is None:
        return Preferences()
    return Preferences(model=chosen.model, device=chosen.device, threads=chosen.threads)


def read_attention() -> AttentionPreferences:
    """Return how the Attention widget was left; the defaults where napari does not know the plugin."""
    chosen = _section("attention")
    if chosen is None:
        return AttentionPreferences()
    names = [field.name for field in dataclasses.fields(AttentionPreferences)]
    return AttentionPreferences(**{name: getattr(chosen, name) for name in names})


def keep_attention(**changed: Any) -> None:
    """Keep some of the Attention widget's preferences; nothing happens where napari does not know the plugin."""
    chosen = _section("attention")
    if chosen is None:
        return
    for name, value in changed.items():
        if getattr(chosen, name) != value:
            setattr(chosen, name, value)


def read_correct_model() -> str:
    """Return the model that was corrected last: its name, or its file where it is in no folder of models."""
    chosen = _section("correct")
    return "nuclei" if chosen is None else str(chosen.model)


def keep_correct_model(model: str) -> None:
    """Keep which model was corrected last; nothing happens where napari does not know the plugin."""
    chosen = _section("correct")
    if chosen is not None and chosen.model != model:
        chosen.model = model


def read_classify_model() -> str:
    """Return the model that classified last: its file; empty where there was none."""
    chosen = _section("classify")
    return "" if chosen is None else str(getattr(chosen, "model", ""))


def keep_classify_model(model: str) -> None:
    """Keep which model classified last; nothing happens where napari does not know the plugin."""
    chosen = _section("classify")
    if chosen is not None and getattr(chosen, "model", model) != model:
        chosen.model = model


def read_correct_again() -> bool:
    """Return whether what is in view is segmented again after learning."""
    chosen = _section("correct")
    return True if chosen is None else bool(getattr(chosen, "again", True))


def keep_correct_again(again: bool) -> None:
    """Keep that; nothing happens where napari does not know the plugin."""
    chosen = _section("correct")
    if chosen is not None and getattr(chosen, "again", again) != again:
        chosen.again = again


def _section(name: str) -> Any:
    from napari.settings import get_plugin_settings

    try:
        with _plugins_as_known():
            return getattr(get_plugin_settings(_PLUGIN), name, None)
    except KeyError:
        return None


@contextmanager
def _plugins_as_known() -> Iterator[None]:
    """Keep napari from looking through all packages again for plugins, for which its window would wait 0.2 s or more.

    It has done so when it started: who is asked here is this plugin, which it has found.
    """
    from npe2 import PluginManager

    manager = PluginManager.instance()
    if _PLUGIN not in {manifest.name for manifest in manager.iter_manifests()} or "discover" in vars(manager):
        yield
        return
    vars(manager)["discover"] = lambda *_, **__: 0
    try:
        yield
    finally:
        del vars(manager)["discover"]
