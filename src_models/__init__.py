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
    "AttentionMap": "attention.recording",
    "AttentionPointer": "probing.pointer",
    "Audit": "auditing.results",
    "AxialProbe": "probing.axial_probe",
    "ChannelProbe": "probing.channel_probe",
    "ClassPointer": "classifying.class_pointer",
    "ClassProbabilities": "classifying.class_probabilities",
    "Classified": "classifying.class_probabilities",
    "ClickSession": "clicking.session",
    "CorrectionSet": "corrections.correction_set",
    "DataSet": "files.dataset",
    "FinetuneSettings": "finetuning.settings",
    "Learning": "finetuning.learning",
    "Model": "models.checkpoint",
    "ModelHeader": "models.header",
    "PlacedMap": "attention.placed_map",
    "PositionProbe": "probing.position_probe",
    "Progress": "progress",
    "Segmentation": "prediction.segmentation",
    "Source": "corrections.correction",
    "UserError": "errors",
    "architectures": "models.architectures",
    "audit": "auditing.auditor",
    "audit_steps": "auditing.auditor",
    "classify": "classifying.classify",
    "classify_steps": "classifying.classify",
    "create": "models.architectures",
    "difference": "attention.difference",
    "evaluate": "evaluating.evaluate",
    "evaluate_classes": "classifying.evaluation.evaluate",
    "find_model": "models.library",
    "finetune": "teaching.learner",
    "gate_values": "attention.gates",
    "load": "models.checkpoint",
    "map_rows": "attention.map_table",
    "mark": "corrections.correction",
    "read_header": "models.header",
    "read_map": "prediction.maps.map_formats",
    "query_map": "attention.query_map",
    "record_attention": "attention.recording",
    "save": "models.checkpoint",
    "segment": "prediction.segment",
    "segment_steps": "prediction.segment",
    "suggest": "clicking.suggestions",
    "train_classes": "classifying.training.training",
    "train": "training.training",
    "value_at": "attention.map_table",
    "write_map": "attention.map_files",
    "write_table": "attention.map_table",
}

__all__ = ["__version__", *_HOME]

guard()  # before anything here loads torch, which loads Triton


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
