"""A run whose attention is looked at, and questions about it, which are answered off the GUI thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from src_models.attention.words import SHARE
from src_models.models.architectures import usual_attention
from src_models.models.loaded import load_model

if TYPE_CHECKING:
    import napari.layers

    from src_models.attention.gates import GateValues
    from src_models.attention.placed_map import PlacedMap
    from src_models.prediction.jobs import RegionResult
    from src_models.probing.look_probe import Heads
    from src_models.probing.pointer import AttentionPointer, Pointed

__all__ = ["Answer", "OpenRun", "RecordedRun", "opening", "question"]


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run, and the layer that it was made on."""

    image: napari.layers.Image
    outcome: RegionResult

    def position(self, world: Sequence[float]) -> tuple[float, ...] | None:
        """Return where a place in the world lies in the part that was run on (px); None outside of it."""
        return self.outcome.job.region.locate(self.image.world_to_data(world))

    def plane(self, world: Sequence[float]) -> tuple[int, ...] | None:
        """Return the position, along the axes besides height and width, of the plane that a place lies in.

        None where the place lies outside of the part that was run on.
        """
        region = self.outcome.job.region
        pixel = list(self.image.world_to_data(world))
        spatial = [axis for axis, letter in enumerate(region.letters[: len(pixel)]) if letter in "YXC"]
        for axis in spatial:  # the sliders say nothing of these
            cut = region.index[axis]
            pixel[axis] = cut.start if isinstance(cut, slice) else cut
        position = region.locate(pixel)
        if position is None:
            return None
        axes = region.sub_axes.replace("C", "")
        return tuple(round(place) for place, letter in zip(position, axes, strict=True) if letter not in "YX")

    def maps(self) -> list[PlacedMap]:
        """Return the recorded maps: the telling ones first; those about positions last; else fine to coarse."""
        header = self.outcome.segmentation.provenance["header"]
        telling = usual_attention(header["architecture"], header["config"])
        maps = self.outcome.segmentation.attention
        return sorted(maps, key=lambda placed: (placed.name not in telling, placed.kind == SHARE))

    def map(self, name: str) -> PlacedMap:
        """Return a recorded map by its name."""
        return next(placed for placed in self.outcome.segmentation.attention if placed.name == name)

    def names(self) -> list[str]:
        """Return the names of the recorded maps."""
        return [placed.name for placed in self.maps()]


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that can be asked.

    Parameters
    ----------
    outcome
        The run.
    pointer
        What answers.
    gates
        Gates of the network, if it has gated axial attention.
    """

    outcome: RegionResult
    pointer: AttentionPointer
    gates: list[GateValues]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was asked, where (px of the part that was run on), and the answer."""

    look: OpenRun
    position: tuple[float, ...]
    pointed: Pointed


def opening(outcome: RegionResult, budget: int) -> Callable[[], OpenRun]:
    """Return the function that makes a run ready to be asked.

    Parameters
    ----------
    outcome
        The run.
    budget
        Bytes that may be kept for asking.
    """

    def make() -> OpenRun:
        from src_models.attention.gates import gate_values
        from src_models.probing.pointer import AttentionPointer

        job = outcome.job
        model = load_model(job.settings.model)
        region = job.region.around(model.header.slices)
        pointer = AttentionPointer(
            region.cut(job.data),
            model,
            outcome.segmentation,
            channels=region.sub_chosen,
            device=job.settings.device,
            budget=budget,
            name=f"layer {job.layer_name!r}",
        )
        return OpenRun(outcome, pointer, gate_values(model.network))

    return make


def question(look: OpenRun, position: tuple[float, ...], view: str, heads: Heads) -> Callable[[], Answer]:
    """Return the function that answers what the network attends to at a place."""

    def answer() -> Answer:
        from src_models.computing.execution import computing_threads

        with computing_threads(look.outcome.job.settings.threads or None):
            pointed = look.pointer.point(position, view, heads=heads if _has_heads(look, view) else None)
        return Answer(look, position, pointed)

    return answer


def _has_heads(look: OpenRun, view: str) -> bool:
    return any(each.name == view and each.heads for each in look.pointer.views())
