"""``napari-medt demo``: see a real image segmented, with every attention map."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_medt.cli.console import Console
from napari_medt.cli.options import ResultsFolder

__all__ = ["demo"]


def demo(
    image: Annotated[
        str, typer.Option(metavar="NAME", help="The sample image: fluorescence, histology or brightfield.")
    ] = "fluorescence",
    output: ResultsFolder = Path("demo_output"),
    picture: Annotated[
        Path, typer.Option(metavar="FILE", help="Picture of the whole window, written where there is no display.")
    ] = Path("demo.png"),
    offscreen: Annotated[
        bool, typer.Option("--offscreen", help="Write the picture and end, even where there is a display.")
    ] = False,
) -> None:
    """Segment a sample image with the model that ships, write the results and show them in napari."""
    from napari_medt import demo as the_demo
    from napari_medt.system_libraries import has_display
    from src_models.disk.atomic import check_writable

    console = Console()
    if not has_display():
        same = ["--image", image, "--output", str(output), "--picture", str(picture), *console.voice]
        the_demo.run_on_virtual_screen(["demo", *same, "--offscreen"])
    the_demo.check_window()
    check_writable(output)
    console.say(f"Segmenting the sample image {image!r} with the model {the_demo.MODEL!r}.")
    result = the_demo.segment_sample(image)
    console.say(f"  found {result.outcome.summary}")
    for path in the_demo.write_results(result, output):
        console.say(f"  wrote {path}")
    if offscreen:
        the_demo.picture(result, picture)
        console.say(f"  wrote {picture}")
    else:
        console.say("Opening napari.")
        the_demo.watch(result)
