"""What a model learnt from, as it must be cited: each data set with its authors, its licence and where it appeared.

A model's header holds it in ``training["data_sets"]``. A data set on disk brings it along in ``CITATION.json`` beside
``images/``: a list of objects with the fields of :class:`Citation`. The sets that the shipped models know are described
in ``shipped/data_sets.toml``; from there come the citations of models whose headers hold no more than names.

Examples
--------
>>> known_citations(["usiigaci_phase"])[0].licence
'MIT'
"""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from src_models.errors import DataSetError
from src_models.models.header import ModelHeader

__all__ = [
    "CITATION_FILE",
    "Citation",
    "as_fields",
    "citation_lines",
    "citations_of",
    "known_citations",
    "read_citations",
]

CITATION_FILE = "CITATION.json"

_TABLE = Path(str(resources.files("src_models"))) / "shipped" / "data_sets.toml"
# Folders that were joined of others before their headers said so.
_JOINED = {"nuclei_data": ("dsb2018_fluo", "dsb2018_histo", "dsb2018_brightfield")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A source of data, as it must be cited.

    Parameters
    ----------
    name
        What the data set is called here; sets of several sources have a citation for each.
    title, authors, year, published
        Of the paper that describes it, and where that appeared; as much as is known.
    doi, url
        Where it is found.
    licence
        SPDX identifier of the data's licence.
    copyright
        The notice that the licence asks to be repeated.
    note
        What else must be said, such as that masks are a model's.
    """

    name: str
    title: str = ""
    authors: str = ""
    year: int | None = None
    published: str = ""
    doi: str = ""
    url: str = ""
    licence: str = "unknown"
    copyright: str = ""
    note: str = ""

    @property
    def sentence(self) -> str:
        """The reference, the licence, and what must be said, in one line.

        >>> Citation(name="a", title="Cells", authors="Doe", year=2020, doi="10.1/2", licence="MIT").sentence
        'Doe (2020): Cells. https://doi.org/10.1/2. Licence MIT.'
        """
        who = " ".join(filter(None, [self.authors, f"({self.year})" if self.year else ""]))
        what = ": ".join(filter(None, [who, self.title]))
        where = f"https://doi.org/{self.doi}" if self.doi else self.url
        licence = f"Licence {self.licence}" + (f", {self.copyright}" if self.copyright else "")
        note = self.note[:1].upper() + self.note[1:]
        return " ".join(f"{part}." for part in (what, self.published, where, licence, note) if part)


def known_citations(names: Iterable[str]) -> list[Citation]:
    """Return the citations of data sets that ``shipped/data_sets.toml`` describes, by name; others have none."""
    table = _known()
    return [citation for name in dict.fromkeys(names) for citation in table.get(name, ())]


def citations_of(header: ModelHeader) -> list[Citation]:
    """Return what a model learnt from, and what the models did that it came from, each source once."""
    return list(dict.fromkeys(_of_training(header.training)))


def citation_lines(citations: Sequence[Citation]) -> list[str]:
    """Return a line for each reference, with the names of all sets that it is of in front."""
    names: dict[str, list[str]] = {}
    for citation in citations:
        names.setdefault(citation.sentence, []).append(citation.name)
    return [f"{', '.join(of)}: {sentence}" for sentence, of in names.items()]


def as_fields(citations: Iterable[Citation]) -> list[dict[str, Any]]:
    """Return what a header and ``CITATION.json`` hold of citations: their fields, without empty ones."""
    return [
        {name: value for name, value in dataclasses.asdict(citation).items() if value not in ("", None)}
        for citation in citations
    ]


def read_citations(folder: str | Path) -> list[Citation]:
    """Read the citations that a data set brings along; without a ``CITATION.json``, what is known of a set of its name.

    Raises
    ------
    DataSetError
        If the file holds anything else.
    """
    path = Path(folder) / CITATION_FILE
    if not path.is_file():
        return known_citations([Path(folder).resolve().name])
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, list):
            raise TypeError("it is no list")
        return [Citation(**entry) for entry in content]
    except (OSError, ValueError, TypeError) as error:
        fields = ", ".join(field.name for field in dataclasses.fields(Citation))
        raise DataSetError(
            f"{path}: it does not tell how the data are cited ({error}); write a list of objects with the field name "
            f"and, as far as known, the others of {fields}"
        ) from error


@cache
def _known() -> dict[str, tuple[Citation, ...]]:
    with _TABLE.open("rb") as file:
        table = tomllib.load(file)
    return {name: tuple(Citation(name=name, **entry) for entry in entries) for name, entries in table.items()}


def _of_training(training: Mapping[str, Any]) -> list[Citation]:
    stored = training.get("data_sets")
    own = known_citations(_names(training.get("data"))) if stored is None else [_stored(entry) for entry in stored]
    parent = training.get("parent_training")
    return [*own, *(_of_training(parent) if isinstance(parent, Mapping) else ())]


def _stored(entry: Mapping[str, Any]) -> Citation:
    """Read a header's entry, which a later version may have given more fields."""
    known = {field.name for field in dataclasses.fields(Citation)}
    return Citation(**{"name": "", **{name: value for name, value in entry.items() if name in known}})


def _names(data: object) -> list[str]:
    """Return the sets that a header names: a folder, or a list of ``"folder: what it shows"``."""
    if isinstance(data, str):
        return list(_JOINED.get(data, (data,)))
    if isinstance(data, list):
        return [str(item).partition(":")[0] for item in data]
    return []
