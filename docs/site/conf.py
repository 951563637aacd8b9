"""The documentation site: the pages of ``docs/`` as they are on disk, the README's facts, and the public names.

``make docs`` builds it into ``build/site``; a link that leads nowhere ends the build. The sources are the whole
repository, so that a page links to its neighbours as it does where Markdown is shown file by file.
"""

from __future__ import annotations

import sys
from pathlib import Path

SITE = Path(__file__).resolve().parent
REPOSITORY = SITE.parents[1]
sys.path[:0] = [str(SITE), str(REPOSITORY)]

from src_models import __version__  # noqa: E402

project = "napari-medt"
author = "The napari-medt developers"
copyright = author  # noqa: A001
version = release = __version__
language = "en-GB"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "mathml",
    "made_pages",
]
root_doc = "docs/site/index"
include_patterns = [
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "benchmarks/results/*.md",
    "docs/**.md",
    "docs/*.ipynb",
    "sample_data/README.md",
]
exclude_patterns = [".*", "build", "dist", "demo_output", "napari_medt", "runs", "src_models", "tests"]

myst_enable_extensions = ["colon_fence", "dollarmath", "html_image"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
nb_execution_mode = "off"  # the notebook keeps what it printed and drew; a test runs it
suppress_warnings = [
    "myst.header",  # the README's sections begin in the middle of its headings
    "ref.python",  # words of prose where other docstrings name a type, such as "shape"
]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_google_docstring = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True

html_theme = "pydata_sphinx_theme"
html_title = "napari-medt"
html_baseurl = ""
html_copy_source = False
html_show_sourcelink = False
html_static_path = ["static"]
html_css_files = ["site.css"]
html_favicon = "../../napari_medt/icon.svg"
html_logo = "../../napari_medt/icon.svg"
templates_path = ["templates"]
html_sidebars = {"**": ["all_pages"]}
html_theme_options = {
    "logo": {"text": "napari-medt"},
    "navbar_center": [],
    "navbar_persistent": [],
    "navbar_end": ["search-button", "theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
