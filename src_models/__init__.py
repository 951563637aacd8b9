"""The networks of napari-medt and everything that works on arrays: no napari, no Qt.

Names are loaded on first use, so that ``import src_models`` does not import torch.

Examples
--------
>>> import src_models as sm
>>> "attention-unet" in sm.architectures()
True
"""

from __future__ import annotations

import importlib
from typing import Any

from src_models.nets.kernels.triton_import import guard

__version__ = "0.1.0"

_HOME = {
    "AttentionMap": "attention",
    "Audit": "auditing.results",
    "AxialProbe": "axial_probe",
    "ClickSession": "clicking.session",
    "CorrectionSet": "corrections.correction_set",
    "DataSet": "dataset",
    "FinetuneSettings": "finetuning.settings",
    "Learning": "finetuning.learning",
    "Model": "checkpoint",
    "ModelHeader": "header",
    "PlacedMap": "predict",
    "Progress": "predict",
    "Segmentation": "predict",
    "Source": "corrections.correction",
    "UserError": "errors",
    "architectures": "registry",
    "audit": "auditing.auditor",
    "audit_steps": "auditing.auditor",
    "create": "registry",
    "difference": "map_difference",
    "evaluate": "evaluator",
    "find_model": "library",
    "finetune": "finetuning.learning",
    "gate_values": "gates",
    "load": "checkpoint",
    "map_rows": "map_table",
    "mark": "corrections.correction",
    "read_header": "header",
    "read_map": "map_files",
    "query_map": "axial_maps",
    "record_attention": "attention",
    "save": "checkpoint",
    "segment": "predict",
    "segment_steps": "predict",
    "suggest": "clicking.suggestions",
    "train": "training",
    "value_at": "map_table",
    "write_map": "map_files",
    "write_table": "map_table",
}

__all__ = ["__version__", *_HOME]

guard()  # before anything here loads torch, which loads Triton


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
