"""The person's preferences for this plugin (napari: File > Preferences), declared in the manifest."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Preferences", "read_preferences"]


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


def read_preferences() -> Preferences:
    """Return the preferences; the defaults where napari does not know the plugin, as in a script."""
    from napari.settings import get_plugin_settings

    try:
        chosen = get_plugin_settings("napari-medt").segment
    except KeyError:
        return Preferences()
    return Preferences(model=chosen.model, device=chosen.device, threads=chosen.threads)
