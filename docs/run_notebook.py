"""Run the notebook and keep what it prints and draws in its file.

Run as ``python docs/run_notebook.py`` whenever a model that ships, or what the notebook calls, has changed.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).with_name("attention.ipynb")


def main() -> None:
    """Run the notebook in place."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    place = {"metadata": {"path": NOTEBOOK.parent}}
    NotebookClient(notebook, timeout=300, record_timing=False, resources=place).execute()
    notebook.metadata.get("language_info", {}).pop("version", None)
    NOTEBOOK.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
