"""What :mod:`src_models` offers, for type checkers: the same names as the table in ``__init__.py``."""

from src_models.attention.difference import difference as difference
from src_models.attention.gates import gate_values as gate_values
from src_models.attention.map_files import read_map as read_map
from src_models.attention.map_files import write_map as write_map
from src_models.attention.map_table import map_rows as map_rows
from src_models.attention.map_table import value_at as value_at
from src_models.attention.map_table import write_table as write_table
from src_models.attention.placed_map import PlacedMap as PlacedMap
from src_models.attention.query_map import query_map as query_map
from src_models.attention.recording import AttentionMap as AttentionMap
from src_models.attention.recording import record_attention as record_attention
from src_models.auditing.auditor import audit as audit
from src_models.auditing.auditor import audit_steps as audit_steps
from src_models.auditing.results import Audit as Audit
from src_models.clicking.session import ClickSession as ClickSession
from src_models.clicking.suggestions import suggest as suggest
from src_models.corrections.correction import Source as Source
from src_models.corrections.correction import mark as mark
from src_models.corrections.correction_set import CorrectionSet as CorrectionSet
from src_models.errors import UserError as UserError
from src_models.evaluating.evaluate import evaluate as evaluate
from src_models.files.dataset import DataSet as DataSet
from src_models.finetuning.learning import Learning as Learning
from src_models.finetuning.settings import FinetuneSettings as FinetuneSettings
from src_models.models.architectures import architectures as architectures
from src_models.models.architectures import create as create
from src_models.models.checkpoint import Model as Model
from src_models.models.checkpoint import load as load
from src_models.models.checkpoint import save as save
from src_models.models.header import ModelHeader as ModelHeader
from src_models.models.header import read_header as read_header
from src_models.models.library import find_model as find_model
from src_models.prediction.segment import segment as segment
from src_models.prediction.segment import segment_steps as segment_steps
from src_models.prediction.segmentation import Segmentation as Segmentation
from src_models.probing.axial_probe import AxialProbe as AxialProbe
from src_models.probing.channel_probe import ChannelProbe as ChannelProbe
from src_models.probing.position_probe import PositionProbe as PositionProbe
from src_models.progress import Progress as Progress
from src_models.teaching.learner import finetune as finetune
from src_models.training.training import train as train

__version__: str
