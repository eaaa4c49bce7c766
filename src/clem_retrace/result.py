"""`Registration`, the result of a run: what was found, how sure it is, and how it came about."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Self, get_args

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import BadFile
from clem_retrace.evaluation import Distance, centre_distance, targets
from clem_retrace.geometry import Matrix, as_transform
from clem_retrace.micrograph import ImageFacts, Micrograph, Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.registration.estimate import AffineEstimate
from clem_retrace.registration.pair_transform import Origin, PairTransform
from clem_retrace.representation import ScaleSelection
from clem_retrace.retracing import Candidates, Match
from clem_retrace.retracing.candidates import Search

__all__ = ["Registration", "conclude"]

#: Of the dictionary's form; raised when a reader of the old form would misread the new.
FORMAT = 1


@dataclass(frozen=True, slots=True, eq=False)
class Registration:
    """The result of a run.

    Attributes
    ----------
    lm, em : ImageFacts
    roi : Roi
        As searched for, in LM pixels: clipped to the image.
    options : RegistrationOptions
    ratio : float
        EM pixels per LM pixel that the run started from.
    lm_scale, em_scale : ScaleSelection
        How the sigmas of the common representation were chosen.
    candidates : Candidates
        Ranked places, of all searches.
    match : Match
        The place taken.
    estimate : AffineEstimate or None
        Of the registration; None when it was not asked for.
    em_to_lm : ndarray, shape (3, 3), float64
        From EM pixels to LM pixels, (row, col, 1): the registration's, or the match's when
        that failed.
    found : bool
        Whether the confidence reaches the threshold.
    confidence : float
        Probability, 0 to 1, that the match is right.
    reason : str
        What was decided and why, for people.
    timings : dict
        Seconds by stage.
    version : str
        Of this package.
    """

    lm: ImageFacts
    em: ImageFacts
    roi: Roi
    options: RegistrationOptions
    ratio: float
    lm_scale: ScaleSelection
    em_scale: ScaleSelection
    candidates: Candidates
    match: Match
    estimate: AffineEstimate | None
    em_to_lm: Matrix
    found: bool
    confidence: float
    reason: str
    timings: Mapping[str, float]
    version: str

    @property
    def place(self) -> Match:
        """The match with the registered transform: where the region lies, as well as is known."""
        return dataclasses.replace(self.match, em_to_lm=self.em_to_lm)

    @property
    def rank(self) -> int:
        """Rank of the match among the candidates, 1 for the best; 0 when it is none of them."""
        for rank, match in enumerate(self.candidates.matches, start=1):
            # What was read from a file holds the match and the candidates apart.
            same = np.array_equal(match.em_to_lm, self.match.em_to_lm)
            if same and match.search == self.match.search:
                return rank
        return 0

    @property
    def lm_to_em(self) -> Matrix:
        """The transform in the other direction."""
        return self.place.lm_to_em

    @property
    def transform(self) -> PairTransform:
        """The way from EM to LM, as other tools take it."""
        origin: Origin = "hand" if self.match.search == "hand" else "automatic"
        return PairTransform(self.em_to_lm, self.lm, self.em, "affine", origin)

    @property
    def error(self) -> float | None:
        """Expected rms error over the ROI, LM pixels, if the match is right.

        None when the registration was not asked for or failed, and where it is not known.
        """
        if not self.estimate or self.estimate.covariance is None:
            return None
        return float(np.sqrt(np.mean(self.estimate.error_at(targets(self.roi)) ** 2)))

    @property
    def centre(self) -> tuple[float, float]:
        """(row, col) of the ROI's centre in EM pixels by `em_to_lm`."""
        return self.place.centre

    @property
    def corners(self) -> NDArray[np.float64]:
        """The ROI's outer corners in EM pixels by `em_to_lm`, shape (4, 2)."""
        return self.place.corners

    def distance_to(self, truth: Roi) -> Distance:
        """Return the distance from the match's centre to that of a ground-truth patch in the EM.

        Of a place that was given by hand, it is that of where it was registered.
        """
        centre = self.centre if self.match.search == "hand" else self.match.centre
        return centre_distance(centre, truth.centre, self.em.shape, self.em.pixel_size)

    def to_dict(self) -> dict[str, Any]:
        """Return all but the similarity map as plain values, for JSON."""
        return {
            "format": FORMAT,
            "version": self.version,
            "found": self.found,
            "confidence": self.confidence,
            "error": self.error,
            "reason": self.reason,
            "em_to_lm": self.em_to_lm.tolist(),
            "convention": "(row, col, 1) of LM pixels = em_to_lm @ (row, col, 1) of EM pixels; "
            "pixel centres at integers, first pixel 0; pixel sizes in nm",
            "lm": dataclasses.asdict(self.lm),
            "em": dataclasses.asdict(self.em),
            "roi": dataclasses.asdict(self.roi),
            "ratio": self.ratio,
            "options": self.options.to_dict(),
            "match": self.match.to_dict(),
            "candidates": [match.to_dict() for match in self.candidates.matches],
            "estimate": None if self.estimate is None else self.estimate.to_dict(),
            "lm_scale": _plain(self.lm_scale),
            "em_scale": _plain(self.em_scale),
            "timings": dict(self.timings),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return a result from what `to_dict` gave; its similarity map is empty.

        Raises
        ------
        BadFile
            Something is missing, of the wrong kind, or of a newer format.
        """
        try:
            if values["format"] != FORMAT:
                raise BadFile(
                    f"the result has format {values['format']}, this version reads {FORMAT}"
                )
            estimate = values["estimate"]
            return cls(
                lm=_facts(values["lm"]),
                em=_facts(values["em"]),
                roi=_roi(values["roi"]),
                options=RegistrationOptions.from_dict(values["options"]),
                ratio=_number(values["ratio"]),
                lm_scale=_scale(values["lm_scale"]),
                em_scale=_scale(values["em_scale"]),
                candidates=Candidates(
                    tuple(_match(match) for match in values["candidates"]),
                    np.empty((0, 0), np.float32),
                    np.eye(3),
                ),
                match=_match(values["match"]),
                estimate=None if estimate is None else _estimate(estimate),
                em_to_lm=as_transform(values["em_to_lm"]),
                found=bool(values["found"]),
                confidence=_number(values["confidence"]),
                reason=str(values["reason"]),
                timings={str(name): _number(value) for name, value in values["timings"].items()},
                version=str(values["version"]),
            )
        except KeyError as error:
            raise BadFile(f"the result lacks {error}") from error
        except BadFile:
            raise
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise BadFile(f"the result is damaged: {error}") from error


def conclude(
    lm: Micrograph,
    em: Micrograph,
    options: RegistrationOptions,
    ratio: float,
    scales: tuple[ScaleSelection, ScaleSelection],
    candidates: Candidates,
    match: Match,
    estimate: AffineEstimate | None,
    reason: str,
    timings: Mapping[str, float],
) -> Registration:
    """Return the result of a run; a registration that failed leaves the match."""
    return Registration(
        lm=ImageFacts.of(lm), em=ImageFacts.of(em), roi=match.roi, options=options, ratio=ratio,
        lm_scale=scales[0], em_scale=scales[1], candidates=candidates, match=match,
        estimate=estimate, em_to_lm=estimate.matrix if estimate else match.em_to_lm,
        # Whatever the threshold: of a place by hand there is no confidence.
        found=match.search != "hand" and match.confidence >= options.confidence_threshold,
        confidence=match.confidence, reason=reason, timings=timings,
        version=version("clem-retrace"),
    )  # fmt: skip


def _plain(selection: ScaleSelection) -> dict[str, Any]:
    """Return a selection's numbers and arrays as numbers and lists."""
    return {
        item.name: np.asarray(getattr(selection, item.name)).tolist()
        for item in dataclasses.fields(selection)
    }


def _scale(values: Mapping[str, Any]) -> ScaleSelection:
    """Return the selection of `_plain`'s values."""
    numbers = {name: np.asarray(value, dtype=np.float64) for name, value in values.items()}
    if not all(np.isfinite(one).all() for one in numbers.values()):
        raise BadFile("the result lacks a number in a list")
    sigma, raw_sigma = float(numbers.pop("sigma")), float(numbers.pop("raw_sigma"))
    if len({one.shape for one in numbers.values()}) > 1:
        raise BadFile("the result's scales and counts are not of one length")
    return ScaleSelection(sigma=sigma, raw_sigma=raw_sigma, **numbers)


def _number(value: Any) -> float:
    """Return a finite number; JSON can hold others as texts."""
    number = float(value)
    if not math.isfinite(number):
        raise BadFile(f"the result has {number} where a finite number is needed")
    return number


def _facts(values: Mapping[str, Any]) -> ImageFacts:
    rows, cols = values["shape"]
    size = values["pixel_size"]
    return ImageFacts(
        str(values["name"]), (int(rows), int(cols)), None if size is None else float(size)
    )


def _roi(values: Mapping[str, Any]) -> Roi:
    return Roi(**{**values, "outline": _outline(values["outline"])})


def _outline(vertices: Any) -> tuple[tuple[float, float], ...]:
    return tuple((float(row), float(col)) for row, col in vertices)


def _match(values: Mapping[str, Any]) -> Match:
    if values["search"] not in get_args(Search):
        raise BadFile(f"the result has a match of an unknown search, {values['search']!r}")
    return Match(
        _roi(
            dict(zip(("row", "col", "height", "width"), values["roi"], strict=True))
            | {"outline": values["outline"]}
        ),
        as_transform(values["em_to_lm"]),
        _number(values["score"]),
        _number(values["confidence"]),
        int(values["contrast"]),
        values["search"],
    )


def _estimate(values: Mapping[str, Any]) -> AffineEstimate:
    names = ("support", "gain", "correlation", "correlation_before")
    return AffineEstimate(
        matrix=as_transform(values["matrix"]),
        converged=bool(values["converged"]),
        message=str(values["message"]),
        covariance=_covariance(values.get("covariance")),
        **{name: _number(values[name]) for name in names},
    )


def _covariance(values: Any) -> NDArray[np.float64] | None:
    """Return the covariance of an estimate; former versions wrote none."""
    if values is None:
        return None
    covariance = np.array(values, dtype=np.float64)
    if covariance.shape != (6, 6) or not np.isfinite(covariance).all():
        raise BadFile("the covariance of the result is not 6 x 6 finite numbers")
    least, greatest = np.linalg.eigvalsh(covariance)[[0, -1]]
    if not np.allclose(covariance, covariance.T) or least < -1e-9 * max(greatest, 0.0):
        raise BadFile("the covariance of the result is none: an error would be imaginary")
    return covariance
