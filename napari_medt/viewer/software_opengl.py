"""Keep napari from crashing where the processor draws the graphics, when layers go and others come.

In Mesa's software renderers (llvmpipe and softpipe, seen with Mesa 22.3) a process may crash at the next draw after it
deleted shader programs. napari does that when several layers are removed, as by ``layers.clear()``. So vispy does not
delete them there; each is a few kilobytes.
"""

from __future__ import annotations

from functools import cache, wraps
from typing import Any

__all__ = ["keep_shader_programs"]

_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "software")


def keep_shader_programs() -> None:
    """Let vispy delete no shader programs, from here on, on software renderers; on others nothing changes."""
    from vispy.gloo.glir import GlirProgram

    delete = GlirProgram.delete
    if hasattr(delete, "__wrapped__"):
        return

    @wraps(delete)
    def delete_on_a_card(program: Any) -> None:
        if not _drawn_in_software():
            delete(program)

    GlirProgram.delete = delete_on_a_card


@cache
def _drawn_in_software() -> bool:
    """Ask for the renderer; only while vispy speaks to it, as it does when it deletes."""
    from vispy.gloo import gl

    renderer = str(gl.glGetParameter(gl.GL_RENDERER)).lower()
    return any(name in renderer for name in _SOFTWARE)
