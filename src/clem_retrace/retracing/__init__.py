"""Retracing the LM region in the EM (paper 3.2): descriptors, searches, candidates."""

from clem_retrace.retracing.candidates import Candidates, Match, suppress
from clem_retrace.retracing.cell_search import cell_search, cell_search_steps
from clem_retrace.retracing.descriptors import (
    LDP_BINS,
    ldp_codes,
    ldp_codes_steps,
    ldp_readings,
    ldp_turns,
    log_bins,
    log_readings,
    log_turns,
)
from clem_retrace.retracing.histogram_search import histogram_search, histogram_search_steps
from clem_retrace.retracing.oriented_search import oriented_search, oriented_search_steps

__all__ = [
    "LDP_BINS",
    "Candidates",
    "Match",
    "cell_search",
    "cell_search_steps",
    "histogram_search",
    "histogram_search_steps",
    "ldp_codes",
    "ldp_codes_steps",
    "ldp_readings",
    "ldp_turns",
    "log_bins",
    "log_readings",
    "log_turns",
    "oriented_search",
    "oriented_search_steps",
    "suppress",
]
