"""Methods that look for the ROI in the EM: ours, the paper's, and independent references."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

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


def random_guess(task: Task) -> Answer:
    """Return a window that fits into the EM, upright or turned by a quarter, by lot."""
    rng = np.random.default_rng(zlib.crc32(task.name.encode()))
    sides = np.array([task.roi.height, task.roi.width]) * task.told_ratio
    fitting = [some for some in (sides, sides[::-1]) if (some <= task.em.shape).all()]
    room = np.array(task.em.shape) - (rng.choice(fitting) if fitting else 0)
    row, col = (np.array(task.em.shape) - room) / 2 + rng.random(2) * room
    return Answer((float(row), float(col)))


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
            histogram=HistogramOptions(similarity="cosine", bins=64, cells=False),
        )
    ),
    "histogram, cells": histogram(RegistrationOptions(search="histogram")),
    "histogram, cells, LDP": histogram(
        RegistrationOptions(search="histogram", histogram=HistogramOptions(descriptor="ldp"))
    ),
}
"""The paper's search: as in its two experiments, at one physical resolution, and by cells."""

CHANCE: Mapping[str, Method] = {"random guess": random_guess}
"""What a centre is off by that says nothing."""

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

METHODS: Mapping[str, Method] = {**OURS, **HISTOGRAM, **CHANCE, **REFERENCES}
