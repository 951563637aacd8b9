"""The workflows of continuous integration: what they call is there, and they cover what the package says it runs on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml


@pytest.fixture(scope="module")
def workflows(repository: Path) -> dict[str, dict]:
    files = sorted((repository / ".github" / "workflows").glob("*.yml"))
    return {file.stem: yaml.safe_load(file.read_text(encoding="utf-8")) for file in files}


@pytest.fixture(scope="module")
def project(repository: Path) -> dict:
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def commands(workflows) -> list[str]:
    """Return the lines that the steps of all jobs run."""
    jobs = [job for workflow in workflows.values() for job in workflow["jobs"].values()]
    return [line for job in jobs for step in job["steps"] for line in step.get("run", "").splitlines()]


def test_what_the_workflows_call_is_there(workflows, project, repository: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (repository / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    called = commands(workflows)
    assert called
    for line in called:
        words = line.split()
        if words[0] == "make":
            assert set(words[1:]) <= targets, line
        elif words[0] in ("bash", "python") and words[1] != "-m":
            assert (repository / words[1]).is_file(), line
            assert all((repository / word).exists() for word in words[2:] if not word.startswith("-")), line
        else:
            assert words[:2] == ["python", "-m"], line
            assert words[2] in ("pip", "pytest"), line
        for constraints in re.findall(r"-c (\S+)", line):
            assert (repository / constraints).is_file(), line
        for extras in re.findall(r"\.\[([^\]]+)\]", line):
            assert set(extras.split(",")) <= set(project["optional-dependencies"]), line
    assert {"make docs", "bash .ci/run"} <= set(called)


def test_every_python_that_the_package_names_is_tested_on_three_systems_with_both_bindings(workflows, project) -> None:
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    jobs = workflows["tests"]["jobs"]
    for job in ("pyqt", "pyside"):
        assert jobs[job]["strategy"]["matrix"]["system"] == ["ubuntu", "macos", "windows"]
        installed = next(step["run"] for step in jobs[job]["steps"] if "pip install" in step.get("run", ""))
        assert {"pyqt": "all", "pyside": "pyside"}[job] in re.findall(r"\w+", installed.partition("[")[2])
    assert jobs["pyqt"]["strategy"]["matrix"]["python"] == named
    assert jobs["pyside"]["strategy"]["matrix"]["python"] == [named[0], named[-1]]


def test_the_site_that_is_published_is_the_one_that_is_built(workflows, repository: Path) -> None:
    jobs = workflows["docs"]["jobs"]
    assert jobs["publish"]["needs"] == "build"
    [uploaded] = [step["with"]["path"] for step in jobs["build"]["steps"] if "upload" in step.get("uses", "")]
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    assert f" . {uploaded}\n" in makefile
    assert f"make docs\n.venv/bin/python .ci/check_site.py {uploaded}" in (repository / ".ci" / "run").read_text()


def test_each_file_runs_in_a_process_of_its_own_and_a_failure_stops_none(tmp_path: Path, repository: Path) -> None:
    code = (
        "import os, pathlib\n"
        "def test_it():\n    pathlib.Path(__file__).with_suffix('.pid').write_text(str(os.getpid()))\n"
    )
    (tmp_path / "test_a.py").write_text(code + "    assert False\n", encoding="utf-8")
    (tmp_path / "test_b.py").write_text(code, encoding="utf-8")
    (tmp_path / "test_none.py").write_text("", encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    bare = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    script = repository / ".ci" / "each_file_alone.py"

    def run(place: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, script, place], cwd=tmp_path, capture_output=True, text=True, env=bare)

    done = run(".")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-2:] == ["2 passed, 1 failed", "  test_a.py"]
    assert len({(tmp_path / f"test_{name}.pid").read_text() for name in "ab"}) == 2
    assert run("test_b.py").returncode == 0
    nothing = run("nowhere")
    assert (nothing.returncode, nothing.stderr) == (1, "There are no tests in nowhere.\n")
