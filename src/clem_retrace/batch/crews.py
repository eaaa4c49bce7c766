"""What those that run rows, processes here or workers of a cluster, tell of them."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from clem_retrace.batch.outcomes import Outcome

__all__ = ["HEARTBEAT", "KILLED", "Crew", "Ended", "Remark", "Started", "Told"]

#: Seconds between reports, at the most, so that stopping is prompt.
HEARTBEAT = 0.1

#: What is said of a row whose process was killed when it was tried again too.
KILLED = "the process was killed, perhaps for lack of memory; so it was at a second try"


@dataclass(frozen=True, slots=True)
class Started:
    """The row at a place of the batch is being run."""

    index: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The row at a place of the batch has been run."""

    index: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that people should know while they wait."""

    text: str


#: None is a heartbeat.
Told = Started | Ended | Remark | None

#: A generator that ends when each row has ended; closing it stops what is being run.
Crew = Generator[Told, None, None]
