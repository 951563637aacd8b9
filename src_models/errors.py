"""Errors that a person can act on.

Every failure that is somebody's input rather than our bug is raised as one of these. The message is one sentence or
two in plain words: which file or layer, what is wrong, what to do. The command line prints it and exits with 1; the
widgets show it as a napari notification. Anything else that is raised is a bug.
"""

from __future__ import annotations

__all__ = ["DataSetError", "ImageError", "ModelFileError", "OutputError", "UserError"]


class UserError(Exception):
    """Base of all errors whose message is meant for the person at the screen."""


class ImageError(UserError, ValueError):
    """An image (or labels) cannot be read, or does not fit what is asked of it."""


class ModelFileError(UserError, ValueError):
    """A model file is missing, damaged, foreign, or does not fit its own header."""


class DataSetError(UserError, ValueError):
    """A data set on disk does not have the layout or content that is needed."""


class OutputError(UserError, OSError):
    """A result cannot be written: the place exists already, is read-only or is full."""
