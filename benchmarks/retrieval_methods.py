"""Methods that look for the ROI in the EM: ours, the paper's, and independent references."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from answers import Answer, Method, MethodFailed, intensities, laplacian
from clem_retrace import PRESETS, RegistrationOptions, StageResult, register, steps
from clem_retrace.options import AffineOptions, HistogramOptions
from mutual_information import global_mutual_information
from retrieval_references import keypoints, orb, sift, template_matching
from tasks import Task


def ours(options: RegistrationOptions) -> Method:
    """Return our search, with registration where `options` enable it."""

    def answer(task: Task) -> Answer:
        chosen = options
        if task.ratio_uncertainty is not None:
            chosen = replace(options, ratio_uncertainty=task.ratio_uncertainty)
        found = register(task.lm, task.em, task.roi, chosen)
        return Answer(
            centre=found.match.centre,
            em_to_lm=found.em_to_lm,
            match=found.match.em_to_lm if options.affine.enabled else None,
            magnification=found.match.magnification,
            confidence=found.confidence,
            found=found.found,
        )

    return answer


def histogram(options: RegistrationOptions) -> Method:
    """Return the paper's search by itself: the run ends when that stage has its result."""

    def answer(task: Task) -> Answer:
        events = steps(task.lm, task.em, task.roi, options)
        for event in events:
            if isinstance(event, StageResult) and event.stage == "histogram search":
                events.close()
                return Answer(event.value.best.centre)
        raise MethodFailed("there was no histogram search")

    return answer


OURS: Mapping[str, Method] = {
    "default": ours(RegistrationOptions()),
    "oriented, no affine": ours(
        RegistrationOptions(search="oriented", affine=AffineOptions(enabled=False))
    ),
}
"""Methods with a confidence."""

HISTOGRAM: Mapping[str, Method] = {
    "histogram, experiment 1": histogram(PRESETS["experiment 1"]),
    "histogram, experiment 2": histogram(PRESETS["experiment 2"]),
    "histogram, matched LoG": histogram(
        RegistrationOptions(
            search="histogram",
            histogram=HistogramOptions(similarity="cosine", bins=64, cell=None),
        )
    ),
    "histogram, cells": histogram(RegistrationOptions(search="histogram")),
    "histogram, cells, LDP": histogram(
        RegistrationOptions(search="histogram", histogram=HistogramOptions(descriptor="ldp"))
    ),
}
"""The paper's search: as in its two experiments, at one physical resolution, and by cells."""

REFERENCES: Mapping[str, Method] = {
    "template, intensities": template_matching(intensities),
    "template, LoG": template_matching(laplacian),
    "SIFT, RANSAC": keypoints(sift, "NORM_L2"),
    "ORB, RANSAC": keypoints(orb, "NORM_HAMMING"),
    "global MI, intensities": global_mutual_information(intensities),
    "global MI, LoG": global_mutual_information(laplacian),
}
"""What a user could take instead."""

LIBRARIES: Mapping[str, str] = {
    name: "cv2" for name in REFERENCES if not name.startswith("global MI")
}
"""What a reference imports."""

METHODS: Mapping[str, Method] = {**OURS, **HISTOGRAM, **REFERENCES}
