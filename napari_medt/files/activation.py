"""What happens once when napari first uses the plugin in a process."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from npe2 import PluginContext

__all__ = ["activate"]


def activate(context: PluginContext) -> None:
    """Make napari fit for the plugin.

    Parameters
    ----------
    context
        What napari knows of the plugin while it is active.
    """
    from napari_medt.files.endings import let_endings_decide
    from napari_medt.viewer.software_opengl import keep_shader_programs

    keep_shader_programs()
    let_endings_decide(context)
