"""Batches: many pairs from one table, on all cores or on a cluster, resumed where they stopped."""

from clem_retrace.batch.batches import batch_steps, run_batch
from clem_retrace.batch.outcomes import Finding, Outcome, RowOutcome
from clem_retrace.batch.rows import BadRow, BatchRow, ImageFile
from clem_retrace.batch.tables import BatchTable, read_table

__all__ = [
    "BadRow",
    "BatchRow",
    "BatchTable",
    "Finding",
    "ImageFile",
    "Outcome",
    "RowOutcome",
    "batch_steps",
    "read_table",
    "run_batch",
]
