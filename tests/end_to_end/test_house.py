"""The house: what lies where, who may do what, and that every room has its tests.

The tables below hold the exceptions, each with its reason. A line that is not needed any more fails, and goes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

PACKAGES = ("src_models", "napari_medt")
MOST_LINES, MOST_FILES = 400, 14

LOOSE = {
    "src_models": {"__init__", "errors", "progress"},
    "napari_medt": {"__init__", "__main__", "demo", "preferences", "system_libraries"},
}

# Packages whose __init__ is more than a docstring, with the reason.
OPEN_DOORS = {
    "src_models": "the public names",
    "napari_medt": "the version, which npe2 and people ask for",
    "napari_medt/cli": "the command",
}

# Files of more than 400 lines, with the reason.
LONG = {
    "src_models/nets/kernels/axial_cpu_kernels.py": "kernels that numba compiles, one beside the other",
    "src_models/nets/kernels/axial_triton_kernels.py": "kernels that Triton compiles, one beside the other",
}

# Folders of more than 14 files, with the reason.
WIDE: dict[str, str] = {"src_models/nets": "one paper, one file, and its record beside it"}

# Tests of what no module does alone: the test, and what it is about.
ACROSS = {
    "napari_medt/cli/test_command_line.py": "every command: what it is called, checks and says",
    "napari_medt/clicking/gui/test_large.py": "the widget, on large images",
    "napari_medt/clicking/gui/test_mending.py": "the widget: objects are worked on again",
    "napari_medt/correcting/gui/test_again.py": "the widget: nobody waits twice",
    "napari_medt/correcting/gui/test_large.py": "the widget, on large images",
    "napari_medt/correcting/gui/test_mending.py": "the widget: tools with which labels are mended",
    "napari_medt/files/gui/test_command_palette.py": "the manifest: what the palette offers",
    "napari_medt/files/gui/test_manifest.py": "the manifest: what napari's dialogs do with it",
    "napari_medt/gui/test_menus.py": "the manifest: menus",
    "napari_medt/gui/test_accessible.py": "all widgets: names of controls, the Tab key",
    "napari_medt/gui/test_opening.py": "all widgets: how fast they open",
    "napari_medt/segmenting/gui/test_channels.py": "the widget, on images of several channels",
    "napari_medt/segmenting/gui/test_choices.py": "the widget: what can be chosen",
    "napari_medt/segmenting/gui/test_medt.py": "the widget, with MedT",
    "napari_medt/segmenting/gui/test_oblique.py": "the widget, on a scan that is oblique, from all sides",
    "napari_medt/segmenting/gui/test_results.py": "the widget: what it adds to the viewer",
    "napari_medt/segmenting/gui/test_stack.py": "the widget, on stacks",
    "src_models/clicking/test_anisotropic.py": "clicks in volumes of flat voxels",
    "src_models/computing/test_precision.py": "every network, at lower precision",
    "src_models/test_public_names.py": "the public names",
    "src_models/training/test_recipes.py": "the trainings behind the shipped models",
}

# Modules without a test of their own, after the test that covers them.
COVERED = {
    "end_to_end/test_bad_input.py": """
        src_models/errors.py
    """,
    "end_to_end/test_demo.py": """
        napari_medt/cli/demo.py
    """,
    "end_to_end/test_sample_data.py": """
        napari_medt/files/samples.py
    """,
    "end_to_end/test_software_opengl.py": """
        napari_medt/viewer/software_opengl.py
    """,
    "napari_medt/attention/gui/test_widget.py": """
        napari_medt/attention/audit_panel.py napari_medt/attention/compare_panel.py
        napari_medt/attention/controls.py napari_medt/attention/map_display.py
        napari_medt/attention/map_layout.py napari_medt/attention/pointer_follower.py
        napari_medt/attention/save_panel.py
    """,
    "napari_medt/cli/clicking/test_click.py": """
        napari_medt/cli/clicking/clicked_labels.py
    """,
    "napari_medt/cli/attention/test_attention.py": """
        napari_medt/cli/attention/results.py
    """,
    "napari_medt/cli/corrections/test_correct.py": """
        napari_medt/cli/corrections/corrections.py napari_medt/cli/corrections/next_slices.py
    """,
    "napari_medt/cli/models/test_train.py": """
        napari_medt/cli/models/asked_training.py napari_medt/cli/models/train_on_masks.py
    """,
    "napari_medt/cli/test_command_line.py": """
        napari_medt/cli/models/evaluate.py
    """,
    "napari_medt/cli/test_segment.py": """
        src_models/prediction/record.py
    """,
    "napari_medt/classifying/gui/test_widget.py": """
        napari_medt/classifying/giving.py napari_medt/classifying/layers.py napari_medt/classifying/shown.py
        napari_medt/classifying/panels/controls.py napari_medt/classifying/panels/result_panel.py
    """,
    "napari_medt/clicking/gui/test_widget.py": """
        napari_medt/clicking/accepted_objects.py napari_medt/clicking/chosen_image.py
        napari_medt/clicking/context.py napari_medt/clicking/drawing.py napari_medt/clicking/suggesting.py
    """,
    "napari_medt/clicking/learning/gui/test_rounds.py": """
        napari_medt/controls/learning/rounds.py
    """,
    "napari_medt/controls/learning/gui/test_round_panel.py": """
        napari_medt/controls/learning/learning_controls.py
    """,
    "napari_medt/correcting/gui/test_mending.py": """
        napari_medt/correcting/clears.py
    """,
    "napari_medt/correcting/gui/test_unsaved.py": """
        napari_medt/correcting/context.py
    """,
    "napari_medt/correcting/gui/test_widget.py": """
        napari_medt/correcting/box_drag.py napari_medt/correcting/learning/comparing.py
        napari_medt/correcting/learning/folder_in_use.py napari_medt/correcting/learning/learning_rounds.py
        napari_medt/correcting/marking.py napari_medt/correcting/panels/controls.py
    """,
    "napari_medt/files/exchange/gui/test_outlines.py": """
        napari_medt/files/exchange/commands.py
    """,
    "napari_medt/files/gui/test_scan_commands.py": """
        napari_medt/files/activation.py napari_medt/files/endings.py napari_medt/files/in_window.py
        napari_medt/files/writers.py
    """,
    "napari_medt/files/preview/gui/test_preview_dialog.py": """
        napari_medt/files/preview/series_list.py
    """,
    "napari_medt/gui/test_demo_window.py": """
        napari_medt/demo.py
    """,
    "napari_medt/segmenting/folder/gui/test_widget.py": """
        napari_medt/segmenting/folder/controls.py
    """,
    "napari_medt/segmenting/gui/test_widget.py": """
        napari_medt/segmenting/controls.py napari_medt/segmenting/size_drag.py
    """,
    "napari_medt/serving/monai_label/learning/test_routes.py": """
        napari_medt/serving/monai_label/learning/ranking.py
        napari_medt/serving/monai_label/learning/submitted.py
    """,
    "napari_medt/measuring/gui/test_widget.py": """
        napari_medt/measuring/controls.py
        napari_medt/measuring/layers.py
    """,
    "src_models/attention/test_difference.py": """
        src_models/attention/placed_map.py
    """,
    "src_models/computing/cluster/test_workers.py": """
        src_models/computing/cluster/at_work.py
    """,
    "src_models/prediction/batches/test_cluster_batch.py": """
        src_models/computing/cluster/opening.py src_models/computing/cluster/plugins.py
        src_models/prediction/batches/sent_model.py
    """,
    "src_models/prediction/blocks/test_block_run.py": """
        src_models/prediction/blocks/block_plan.py src_models/prediction/blocks/block_work.py
    """,
    "src_models/prediction/test_segment.py": """
        src_models/prediction/blocks/segmentation_run.py
    """,
    "src_models/training/test_training.py": """
        src_models/training/resumable/training_run.py
    """,
    "src_models/training/rounds/test_judged_learning.py": """
        src_models/training/rounds/progress.py
    """,
    "src_models/nets/kernels/test_axial_triton.py": """
        src_models/nets/kernels/axial_triton_kernels.py
    """,
}

REPOSITORY = Path(__file__).resolve().parents[2]


def files_of(*packages: str) -> list[Path]:
    """Return the Python files of some packages."""
    return sorted(path for package in packages for path in (REPOSITORY / package).rglob("*.py"))


def name_of(path: Path) -> str:
    """Return a path below the repository."""
    return path.relative_to(REPOSITORY).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


# --- what lies where ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", PACKAGES)
def test_no_file_lies_loose(package):
    assert {path.stem for path in (REPOSITORY / package).glob("*.py")} == LOOSE[package]


def test_a_package_is_a_docstring():
    """What it imported would be loaded with each of its modules."""
    more = set()
    for path in files_of(*PACKAGES):
        if path.name == "__init__.py":
            body = parsed(path).body
            assert ast.get_docstring(parsed(path)), path
            if len(body) > 1:
                more.add(name_of(path.parent))
    assert more == set(OPEN_DOORS)


def test_files_are_read_at_one_sitting():
    lines = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in files_of(*PACKAGES)}
    assert {name for name, count in lines.items() if count > MOST_LINES} == set(LONG)


def test_folders_are_taken_in_at_a_glance():
    folders = {path.parent for path in files_of(*PACKAGES)}
    assert {name_of(folder) for folder in folders if len(list(folder.glob("*.py"))) > MOST_FILES} == set(WIDE)


# --- who may do what ------------------------------------------------------------------------------------------------

ADDING = {f"add_{kind}" for kind in ("image", "labels", "layer", "points", "shapes", "surface", "tracks", "vectors")}


def adds_layers(tree: ast.Module) -> Iterator[int]:
    """Find where layers are added to a viewer, or a class is had that does it, as line numbers."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "napari_medt.viewer.own_layers":
            yield node.lineno
        elif isinstance(node, ast.Attribute):
            to_list = node.attr in ("append", "extend", "insert") and getattr(node.value, "attr", "") == "layers"
            if node.attr in ADDING or to_list:
                yield node.lineno
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "getattr":
            yield from (node.lineno for text in texts(node.args) if text.startswith("add_"))


def texts(nodes: Iterable[ast.expr]) -> Iterator[str]:
    """Return the texts in expressions, those with which an f-string begins among them."""
    for node in nodes:
        first = node.values[0] if isinstance(node, ast.JoinedStr) and node.values else node
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


def private_names(tree: ast.Module) -> Iterator[int]:
    """Find names with one underscore that belong to somebody else: of objects, in ``getattr``, and imported."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Attribute):
            own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            parent = isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "super"
            names = [] if own or parent else [node.attr]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("attr"):
            names = list(texts(node.args))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            modules = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
            names = [part for module in modules for part in module.split(".")]
        if any(name.startswith("_") and not name.startswith("__") for name in names):
            yield node.lineno


def unguarded_events(tree: ast.Module) -> Iterator[int]:
    """Find methods in which Qt tells of events, and that need what an object may not have yet, or no more.

    Qt tells of events while a base class is still being made. PySide6 also tells an object of events that Python has
    cleared already, while the widget it belongs to is deleted. So what such a method reads has a value in the class, or
    the method first asks for something that has one, and returns.
    """
    for made in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
        methods = {node.name: node for node in made.body if isinstance(node, ast.FunctionDef)}
        theirs = {name for method in methods.values() for name in own_names(method, ast.Store)}
        for given in made.body:
            if isinstance(given, ast.Assign | ast.AnnAssign) and given.value is not None:
                targets = given.targets if isinstance(given, ast.Assign) else [given.target]
                theirs -= {target.id for target in targets if isinstance(target, ast.Name)}
        for name, method in methods.items():
            if (name in ("event", "eventFilter") or name.endswith("Event")) and not first_asks(method, theirs):
                needed, waiting = set(), [name]
                while waiting:
                    found = own_names(methods[waiting.pop()], ast.Load) - needed
                    needed |= found
                    waiting += [each for each in found if each in methods]
                if needed & theirs:
                    yield method.lineno


# Parts of the code that it is tested with.
SET, GUARD = " def __init__(self): self._a = 1", "if not self._on: return"


def kept_by_signals(tree: ast.Module) -> Iterator[int]:
    """Find what is connected to a signal and keeps an object that may have that signal.

    Who collects garbage does not see what PySide6 keeps for a signal: a widget that is kept by its own is never let go,
    and a viewer with it. It keeps no object whose method is connected.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "connect":
            slot = node.args[0] if node.args else None
            if isinstance(slot, ast.Lambda) and any(is_self(each) for each in ast.walk(slot)):
                yield node.lineno
            elif isinstance(slot, ast.Call) and getattr(slot.func, "id", "") == "partial":
                given = [*slot.args, *(each.value for each in slot.keywords)]
                if any(is_self(each) for each in (*given, getattr(given[0], "value", None))):
                    yield node.lineno


def is_self(node: ast.AST | None) -> bool:
    """Whether a part of code is ``self``."""
    return isinstance(node, ast.Name) and node.id == "self"


def own_names(node: ast.AST, context: type[ast.expr_context]) -> set[str]:
    """Return the names of an object's own that are read (``ast.Load``) or written (``ast.Store``) in a part of code."""
    attributes = (each for each in ast.walk(node) if isinstance(each, ast.Attribute))
    return {
        each.attr for each in attributes if getattr(each.value, "id", "") == "self" and isinstance(each.ctx, context)
    }


def first_asks(method: ast.FunctionDef, missing: set[str]) -> bool:
    """Whether a method first asks for what an object always has, and returns where that says so."""
    first = next((each for each in method.body if not isinstance(each, ast.Expr)), None)
    if not isinstance(first, ast.If) or not isinstance(first.body[-1], ast.Return):
        return False
    asked = own_names(first.test, ast.Load)
    return bool(asked) and not asked & missing


def where(find: Callable[[ast.Module], Iterator[int]], allowed: Callable[[Path], bool]) -> list[str]:
    """Return where something is found in files of the plugin that may not do it."""
    paths = [path for path in files_of("napari_medt") if not allowed(path.relative_to(REPOSITORY / "napari_medt"))]
    return [f"{name_of(path)}:{line}" for path in paths for line in find(parsed(path))]


def test_layers_are_added_in_the_viewer_s_room_and_by_a_feature_s_layers_alone():
    names = ("layers.py", "pointer_layers.py")
    assert not where(adds_layers, lambda path: path.parts[0] in ("viewer", "demo.py") or path.name in names)


def test_private_parts_of_napari_are_named_in_one_file_alone():
    assert not where(private_names, lambda path: path == Path("unsaved", "napari_edits.py"))


def test_no_widget_is_kept_by_its_own_signals():
    assert not where(kept_by_signals, lambda path: False)


def test_qt_can_tell_an_object_of_events_before_it_is_made_and_after_it_was_cleared():
    assert not where(unguarded_events, lambda path: False)


@pytest.mark.parametrize(
    ("find", "code", "lines"),
    [
        (adds_layers, "viewer.add_labels(data)", [1]),
        (adds_layers, "self._viewer.layers.append(layer)", [1]),
        (adds_layers, "make = viewer.add_points", [1]),
        (adds_layers, "x = 1\ngetattr(viewer, f'add_{kind}')(data)", [2]),
        (adds_layers, "from napari_medt.viewer.own_layers import OwnLayers", [1]),
        (adds_layers, "self._layers.append(layer)\nviewer.layers.remove(layer)\nlayers.add(layer)", []),
        (private_names, "labels._undo_history", [1]),
        (private_names, "getattr(labels, '_undo_history', ())", [1]),
        (private_names, "hasattr(labels, f'_{name}')", [1]),
        (private_names, "from napari._qt import QtViewer\nimport napari.utils._proxies", [1, 2]),
        (
            private_names,
            "self._mine\ncls._ours\nsuper()._add()\nlayer.__class__\nfrom __future__ import annotations",
            [],
        ),
        (kept_by_signals, "a.b.connect(lambda on: self.show(on))\nb.connect(partial(self.go, 1))", [1, 2]),
        (kept_by_signals, "a.connect(partial(go, self))\na.connect(partial(self.other.leave, wait=False))", [1]),
        (kept_by_signals, "a.connect(self.show)\na.connect(self.b.emit)\nc.connect(lambda: dialog.close())", []),
        (
            unguarded_events,
            f"class A:\n{SET}\n def changeEvent(self, event): self.tell()\n def tell(self): self._a",
            [3],
        ),
        (unguarded_events, f"class A:\n{SET}\n def eventFilter(self, a, b):\n  return self._a is a", [3]),
        (unguarded_events, f"class A:\n _a = None\n{SET}\n def eventFilter(self, a, b): return self._a is a", []),
        (unguarded_events, f"class A:\n _on = False\n{SET}\n def event(self, e):\n  {GUARD}\n  self._a", []),
        (unguarded_events, f"class A:\n{SET}\n def event(self, e):\n  if not self._a: return\n  self._a", [3]),
        (unguarded_events, f"class A:\n{SET}\n def closeEvent(self, e): self._b = e", []),
    ],
)
def test_what_is_looked_for_is_found(find, code, lines):
    assert sorted(find(ast.parse(code))) == lines


# --- tests mirror the packages --------------------------------------------------------------------------------------


def mirrored(name: str) -> list[str]:
    """Return where tests of a module may lie: beside those of its room, or in gui/ among them."""
    folder, _, module = name.removesuffix(".py").rpartition("/")
    return [f"{folder}/test_{module}.py", f"{folder}/gui/test_{module}.py"]


def modules() -> set[str]:
    return {name_of(path) for path in files_of(*PACKAGES) if path.stem not in ("__init__", "__main__")}


def all_tests() -> set[str]:
    """Return the tests of the packages, by their paths below tests/."""
    roots = [REPOSITORY / "tests" / package for package in PACKAGES]
    return {path.relative_to(REPOSITORY / "tests").as_posix() for root in roots for path in root.rglob("test_*.py")}


def test_every_module_has_its_test_or_one_that_covers_it():
    there = all_tests()
    untested = {name for name in modules() if not any(place in there for place in mirrored(name))}
    covered = {module: test for test, covers in COVERED.items() for module in covers.split()}
    assert sorted(untested - covered.keys()) == [], "modules without a test"
    assert sorted(covered.keys() - untested) == [], "no longer needed in COVERED: they are gone or have tests"
    assert not [test for test in COVERED if not (REPOSITORY / "tests" / test).is_file()]


def test_every_test_is_named_after_a_module_of_its_room():
    """``test_x.py`` tests ``x.py``, and so may ``test_x_more.py``, of the same room."""
    strange = set()
    for test in all_tests():
        room = REPOSITORY / Path(test).parent
        room = room.parent if room.name == "gui" else room
        name = Path(test).stem.removeprefix("test_")
        if not any(name == path.stem or name.startswith(f"{path.stem}_") for path in room.glob("*.py")):
            strange.add(test)
    assert strange == set(ACROSS)
