"""`Pairs`, the pairs of the dock in their order: added, changed, taken out, and checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clem_retrace.batch.rows import BadRow, Row
from clem_retrace.batch.sheets import Dialect
from clem_retrace.options import RegistrationOptions
from clem_retrace.plugin.batch_dock.tables import NEW, Cells, OpenedTable, checked

__all__ = ["Pair", "Pairs"]


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A pair of the batch.

    Attributes
    ----------
    key : int
        Tells it from the others, whatever it is called and wherever it stands.
    cells : mapping of str to str
    row : BatchRow or BadRow
        What the cells mean.
    """

    key: int
    cells: Cells
    row: Row

    @property
    def name(self) -> str:
        """What it is called."""
        return self.cells.get("name", "")

    @property
    def problem(self) -> str:
        """Why it cannot be run, for people; empty when it can."""
        return self.row.problem if isinstance(self.row, BadRow) else ""


class Pairs:
    """The pairs, and the options for what they leave open."""

    def __init__(self, options: RegistrationOptions) -> None:
        self._options = options
        self._pairs: dict[int, Pair] = {}
        self._next = 0
        self.dialect: Dialect = NEW

    def __iter__(self) -> Iterator[Pair]:
        """Yield the pairs; of those of one name, only the first can be run."""
        taken: set[str] = set()
        for pair in self._pairs.values():
            if pair.name in taken:
                problem = f"another pair is called '{pair.name}' too: change one of the names"
                yield dataclasses.replace(pair, row=BadRow(pair.name, problem, pair.cells))
            else:
                yield pair
            taken.add(pair.name)

    def __len__(self) -> int:
        return len(self._pairs)

    @property
    def options(self) -> RegistrationOptions:
        """What holds for all pairs that do not say otherwise."""
        return self._options

    def get(self, key: int | None) -> Pair | None:
        """Return the pair of a key, if there is one."""
        return next((pair for pair in self if pair.key == key), None)

    def set_options(self, options: RegistrationOptions) -> None:
        """Let other options hold."""
        self._options = options
        pairs = list(self._pairs.values())
        rows = checked([pair.cells for pair in pairs], options, self.dialect)
        for pair, row in zip(pairs, rows, strict=True):
            self._pairs[pair.key] = dataclasses.replace(pair, row=row)

    def add(self, cells: Cells) -> int:
        """Return the key of a new pair, called after its LM file unless it has a name."""
        named = {**cells, "name": self._free_name(cells)}
        (row,) = checked([named], self._options, self.dialect)
        return self._keep(named, row)

    def take(self, table: OpenedTable) -> None:
        """Let the pairs of a table be all there are."""
        self._pairs.clear()
        self.dialect = table.dialect
        for cells, row in zip(table.rows, table.checked, strict=True):
            self._keep(cells, row)

    def change(self, key: int, texts: Mapping[str, str]) -> None:
        """Let cells of a pair hold other texts."""
        pair = self._pairs[key]
        cells = {name: text for name, text in {**pair.cells, **texts}.items() if text}
        if not cells.get("name"):
            # As one is called that comes without a name.
            cells["name"] = self._free_name(cells, key)
        (row,) = checked([cells], self._options, self.dialect)
        self._pairs[key] = dataclasses.replace(pair, cells=cells, row=row)

    def remove(self, keys: Iterable[int]) -> None:
        """Take pairs out."""
        for key in keys:
            self._pairs.pop(key, None)

    def rows(self) -> Sequence[Cells]:
        """Return the cells of all pairs."""
        return [pair.cells for pair in self._pairs.values()]

    def _keep(self, cells: Cells, row: Row) -> int:
        key = self._next
        self._next += 1
        self._pairs[key] = Pair(key, cells, row)
        return key

    def _free_name(self, cells: Cells, besides: int | None = None) -> str:
        taken = {pair.name for pair in self._pairs.values() if pair.key != besides}
        wanted = name = cells.get("name") or Path(cells.get("lm", "")).stem or "pair"
        number = 1
        while name in taken:
            number += 1
            name = f"{wanted}-{number}"
        return name
