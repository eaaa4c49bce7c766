"""Every option, declared once.

A field made by `option` carries its default, help, unit, bounds and step. Validation, the
form in napari, the flags of the command line and ``docs/options.md`` read them there.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from clem_retrace.declaring import Declaration, OptionGroup, declare, hints, option
from clem_retrace.errors import InvalidOption, shown

__all__ = [
    "PRESETS",
    "AffineOptions",
    "Descriptor",
    "HistogramOptions",
    "OrientedOptions",
    "RegistrationOptions",
    "RepresentationOptions",
    "Similarity",
    "Structures",
    "declarations",
]

Structures = Literal["both", "dark", "bright"]
Descriptor = Literal["log", "ldp"]
Similarity = Literal[
    "cosine",
    "intersection",
    "kullback-leibler",
    "jeffrey",
    "chi-squared",
    "bhattacharyya",
    "kolmogorov-smirnov",
]


def declarations() -> Iterator[Declaration]:
    """Yield every option's declaration, the groups in the order of the stages."""
    for item in dataclasses.fields(RegistrationOptions):
        if item.metadata:
            yield declare(RegistrationOptions, "", item)
        else:
            owner = hints(RegistrationOptions)[item.name]
            for inner in dataclasses.fields(owner):
                yield declare(owner, item.name, inner)


@dataclass(frozen=True, slots=True)
class RepresentationOptions(OptionGroup):
    """Common representation (paper 3.1)."""

    lm_sigma: float | None = option(
        None,
        "Standard deviation of the LM image's Laplacian of Gaussian; chosen by counting "
        "blobs when left open. The paper's s is its square.",
        unit="LM px", minimum=0.5, maximum=50, step=0.1,
    )  # fmt: skip
    em_sigma: float | None = option(
        None,
        "Standard deviation of the EM image's Laplacian of Gaussian; chosen by counting "
        "blobs when left open. The paper's s is its square.",
        unit="EM px", minimum=0.5, maximum=200, step=0.1,
    )  # fmt: skip
    lm_structures: Structures = option(
        "both", "Which structures of the LM image are counted to choose its sigma."
    )
    em_structures: Structures = option(
        "both", "Which structures of the EM image are counted to choose its sigma."
    )
    min_sigma: float = option(
        1.0, "Smallest sigma of the scale-space.", unit="px", minimum=0.5, maximum=20, step=0.1
    )
    max_sigma: float = option(
        12.0, "Largest sigma of the scale-space.", unit="px", minimum=1, maximum=100, step=1
    )

    def __post_init__(self) -> None:
        """Check the values, and that the range is one."""
        OptionGroup.__post_init__(self)
        if not self.min_sigma < self.max_sigma:
            raise InvalidOption(
                f"min_sigma is {self.min_sigma:g}: it must be below max_sigma, {self.max_sigma:g}"
            )


@dataclass(frozen=True, slots=True)
class HistogramOptions(OptionGroup):
    """Histogram search (paper 3.2)."""

    descriptor: Descriptor = option(
        "log", "What is counted: Laplacian-of-Gaussian values, or Local Directional Pattern codes."
    )
    similarity: Similarity = option("intersection", "How two histograms are compared.")
    bins: int = option(8, "Bins of the histogram of LoG values.", minimum=4, maximum=1024, step=4)
    matched: bool = option(
        True,
        "Compare both images at the LM image's resolution and one physical sigma; "
        "otherwise each at full resolution with its own sigma, as the paper does.",
    )
    cells: bool = option(
        True,
        "Cut the ROI into square cells, each with its own histogram, so that the layout counts, "
        "at any angle; otherwise one histogram for all of it, as in the paper, which is also "
        "what serves without `matched` and for a patch drawn by hand.",
    )
    cell: int = option(10, "Side of a cell.", unit="LM px", minimum=4, maximum=200, step=1)
    overlap: float = option(
        0.90, "Shared part of neighbouring windows, along each axis.",
        minimum=0.0, maximum=0.999, step=0.01,
    )  # fmt: skip
    row_step: float | None = option(
        None, "Distance of windows down the EM, instead of the overlap.",
        unit="% of its height", minimum=0.01, maximum=100, step=0.1,
    )  # fmt: skip
    col_step: float | None = option(
        None, "Distance of windows across the EM, instead of the overlap.",
        unit="% of its width", minimum=0.01, maximum=100, step=0.1,
    )  # fmt: skip
    patch_height: float | None = option(
        None, "Height of a patch drawn by hand, instead of ROI times ratio.",
        unit="EM px", minimum=8, step=1,
    )  # fmt: skip
    patch_width: float | None = option(
        None, "Width of a patch drawn by hand, instead of ROI times ratio.",
        unit="EM px", minimum=8, step=1,
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Check the values, and that a patch drawn by hand has both sides."""
        OptionGroup.__post_init__(self)
        if (self.patch_height is None) != (self.patch_width is None):
            raise InvalidOption("a patch drawn by hand needs both patch_height and patch_width")


@dataclass(frozen=True, slots=True)
class OrientedOptions(OptionGroup):
    """Oriented search: position, angle, mirror, magnification and contrast."""

    mirror: Literal["either", "no", "yes"] = option(
        "either", "Whether the EM shows the specimen mirrored."
    )
    contrast: Literal["either", "same", "inverted"] = option(
        "either", "Whether what is bright in the LM is bright or dark in the EM."
    )
    angle: float | None = option(
        None, "Angle at which the ROI lies in the EM, if it is known; counter-clockwise.",
        unit="degrees", minimum=-360, maximum=360, step=5,
    )  # fmt: skip
    angle_uncertainty: float = option(
        10.0, "Tolerance of the known angle, to either side.",
        unit="degrees", minimum=0, maximum=180, step=5,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class AffineOptions(OptionGroup):
    """Robust affine registration (paper 3.3)."""

    enabled: bool = option(True, "Refine the match by a robust affine registration.")
    sigma: float = option(
        1.25, "Standard deviation of the Laplacian of Gaussian that is registered.",
        unit="LM px", minimum=0.5, maximum=20, step=0.1,
    )  # fmt: skip
    robust: bool = option(
        True, "Tukey weights, so that what only one image shows does not pull; "
        "otherwise plain least squares.",
    )  # fmt: skip
    minimum_support: float = option(
        0.4, "Least share of pixels that must agree with the estimate.",
        minimum=0.0, maximum=1.0, step=0.05,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class RegistrationOptions(OptionGroup):
    """All options of a run.

    Examples
    --------
    >>> from clem_retrace import RegistrationOptions
    >>> options = RegistrationOptions.from_paths({"context": 100, "oriented.mirror": "no"})
    >>> options.oriented.mirror
    'no'
    >>> options.changed()
    {'context': 100.0, 'oriented.mirror': 'no'}
    """

    search: Literal["both", "oriented", "histogram"] = option(
        "both",
        "Which searches are run: the paper's histogram search, the oriented one, or both "
        "with the trustworthy answer taken.",
        advanced=False,
    )
    pixel_size_ratio: float | None = option(
        None, "EM pixels per LM pixel; from the two pixel sizes when left open.",
        unit="EM px / LM px", minimum=1, maximum=1000, step=0.1,
    )  # fmt: skip
    ratio_uncertainty: float = option(
        0.15,
        "How wrong the ratio may be, as a fraction: the true one lies between 1 - it and "
        "1 / (1 - it) times the one given; 0.5 is a factor of 2.",
        minimum=0.0, maximum=0.6, step=0.01, advanced=False,
    )  # fmt: skip
    context: float = option(
        150.0,
        "How far round the ROI the LM image counts as evidence, for the search and for the "
        "registration; its weight falls off with the distance.",
        unit="LM px", minimum=0, maximum=2000, step=10, advanced=False,
    )  # fmt: skip
    candidates: int = option(
        10, "How many places are listed.", minimum=1, maximum=100, step=1
    )  # fmt: skip
    confidence_threshold: float = option(
        0.95, "Confidence from which a match counts as found.",
        minimum=0.0, maximum=1.0, step=0.01,
    )  # fmt: skip
    representation: RepresentationOptions = RepresentationOptions()
    histogram: HistogramOptions = HistogramOptions()
    oriented: OrientedOptions = OrientedOptions()
    affine: AffineOptions = AffineOptions()

    def to_dict(self) -> dict[str, Any]:
        """Return the options as nested dictionaries of plain values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return options from nested dictionaries; what is not named keeps its default.

        Raises
        ------
        InvalidOption
            An unknown name, or a value out of bounds.
        """
        return cls(**_grouped(cls, values))

    @classmethod
    def from_paths(cls, values: Mapping[str, Any], base: Self | None = None) -> Self:
        """Return `base` with options changed by full name, such as ``histogram.overlap``.

        Raises
        ------
        InvalidOption
            An unknown name, or a value out of bounds.
        """
        nested = (base or cls()).to_dict()
        known = {declared.path for declared in declarations()}
        for path, value in values.items():
            if path not in known:
                raise InvalidOption(f"there is no option {shown(path)}")
            *group, name = path.split(".")
            (nested[group[0]] if group else nested)[name] = value
        return cls.from_dict(nested)

    def by_path(self) -> dict[str, Any]:
        """Return the values of all options, by full name."""
        nested = self.to_dict()
        return {
            declared.path: (nested[declared.group] if declared.group else nested)[declared.name]
            for declared in declarations()
        }

    def changed(self) -> dict[str, Any]:
        """Return the options that differ from their defaults, by full name."""
        values, usual = self.by_path(), type(self)().by_path()
        return {path: value for path, value in values.items() if value != usual[path]}


def _grouped(owner: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return keyword arguments for `owner`, its groups made into their classes."""
    if not isinstance(values, Mapping):
        raise InvalidOption(f"options are a table of names and values, not {shown(values)}")
    known = hints(owner)
    arguments = {}
    for name, value in values.items():
        if name not in known:
            raise InvalidOption(f"there is no option {shown(name)}")
        if dataclasses.is_dataclass(known[name]):
            value = known[name](**_grouped(known[name], value))
        arguments[name] = value
    return arguments


PRESETS: Mapping[str, RegistrationOptions] = types.MappingProxyType(
    {
        "default": RegistrationOptions(),
        "experiment 1": RegistrationOptions(
            search="histogram",
            histogram=HistogramOptions(
                descriptor="log",
                similarity="cosine",
                bins=64,
                overlap=0.95,
                matched=False,
                cells=False,
            ),
        ),
        "experiment 2": RegistrationOptions(
            search="histogram",
            histogram=HistogramOptions(
                descriptor="ldp",
                similarity="intersection",
                overlap=0.90,
                matched=False,
                cells=False,
            ),
        ),
    }
)
"""Named options: our default, and the searches of the paper's two experiments (section 4)."""
