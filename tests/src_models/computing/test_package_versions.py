"""The versions that results are noted with."""

import platform

import numpy as np
import torch

from src_models.computing.package_versions import package_versions


def test_they_are_those_that_the_packages_tell_of_themselves():
    found = package_versions("numpy", "torch")
    assert list(found) == ["python", "numpy", "torch"]
    assert found == {"python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__}


def test_what_is_not_installed_under_its_name_is_left_out():
    assert list(package_versions("no-such-package-at-all", "numpy")) == ["python", "numpy"]
