"""Formulas as MathML, which browsers draw by themselves: no script is fetched from anywhere."""

from __future__ import annotations

from html import escape
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx

NAME = "mathml"


def inline(writer: Any, node: nodes.math) -> None:
    writer.body.append(drawn(node.astext(), "inline"))
    raise nodes.SkipNode


def block(writer: Any, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="formula">{drawn(node.astext(), "block")}</div>')
    raise nodes.SkipNode


def drawn(latex: str, display: str) -> str:
    """Return a formula as MathML that carries its LaTeX as its text."""
    made = convert(latex, display=display)
    return made.replace("<math ", f'<math alttext="{escape(latex, quote=True)}" ', 1)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer(NAME, (inline, None), (block, None))
    app.config.html_math_renderer = NAME
    return {"parallel_read_safe": True, "parallel_write_safe": True}
