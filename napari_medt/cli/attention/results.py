"""What ``napari-medt attention`` writes and says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from src_models.attention.map_table import MapRow
    from src_models.attention.placed_map import PlacedMap
    from src_models.files.images import ImageFile
    from src_models.models.checkpoint import Model

__all__ = ["Results", "gates_path"]


def gates_path(table: Path) -> Path:
    """Return where the gates go, beside the table of maps: ``FILE_gates.csv``."""
    return table.with_name(f"{table.stem}_gates.csv")


@dataclass(frozen=True, slots=True)
class Results:
    """What was found of one image.

    Parameters
    ----------
    maps
        Recorded maps, and differences.
    looks
        Where attention looks, each beside the pixel that it looks from.
    positions
        The pixels that were asked about, along the axes of the labels.
    """

    maps: list[PlacedMap]
    looks: list[tuple[tuple[int, ...], PlacedMap]]
    positions: list[tuple[int, ...]]

    def write_maps(self, image: ImageFile, output: Path, ending: str, *, overwrite: bool) -> Iterator[str]:
        """Write all maps in the format of this ending, and say of each what it is and where it went."""
        from src_models.attention.map_files import map_path
        from src_models.prediction.maps.map_formats import scan_place, write_placed_map

        for placed in [*self.maps, *(look for _, look in self.looks)]:
            path = map_path(output, image.name, placed.name, ending)
            write_placed_map(path, placed, reading=image.reading, geometry=scan_place(image), overwrite=overwrite)
            yield f"{_said(placed)} -> {path}"

    def write_matrices(
        self, matrices: Mapping[str, NDArray[np.float32]], image: ImageFile, output: Path, *, overwrite: bool
    ) -> Iterator[str]:
        """Write matrices of channels by name, and say of each where it went."""
        from src_models.attention.matrix_files import matrix_path, write_matrix

        for name, matrix in matrices.items():
            path = write_matrix(matrix_path(output, image.name, name), matrix, overwrite=overwrite)
            yield f"{name}: what each of {len(matrix)} channels takes from each -> {path}"

    def values(self) -> Iterator[str]:
        """Say what each map holds at each pixel."""
        from src_models.attention.map_table import value_at
        from src_models.attention.words import map_words

        for position in self.positions:
            found = ((placed, value_at(placed, position)) for placed in self.maps)
            values = ", ".join(
                f"{placed.name} {value:.3f} ({map_words(placed.name, placed.kind).reading(value)})"
                for placed, value in found
            )
            yield f"at {','.join(map(str, position))}: {values}"

    def write_tables(self, model: Model, table: Path, *, overwrite: bool) -> Iterator[str]:
        """Write the table of maps, and that of the gates where the network has any."""
        from src_models.attention.gates import gate_values
        from src_models.attention.map_table import write_table

        yield f"table -> {write_table(table, self._rows(), overwrite=overwrite)}"
        gates = gate_values(model.network)
        if gates:
            yield f"gates -> {write_table(gates_path(table), gates, overwrite=overwrite)}"

    def _rows(self) -> list[MapRow]:
        """Return a row for each map, or for each map and pixel, and one for each map of where a pixel looks."""
        from src_models.attention.map_table import map_rows, value_at

        rows = map_rows(self.maps)
        if self.positions:
            rows = [
                replace(row, position_px=position, value=value_at(placed, position))
                for position in self.positions
                for row, placed in zip(rows, self.maps, strict=True)
            ]
        return rows + [row for position, look in self.looks for row in map_rows([look], position)]


def _said(placed: PlacedMap) -> str:
    """Return what a map is: in plain words, and as its file says it."""
    from src_models.attention.words import map_words

    name = map_words(placed.name, placed.kind).name
    return placed.description if name == placed.name else f"{name} ({placed.description})"
