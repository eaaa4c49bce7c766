"""Settings that are changed for a while and then given back."""

from __future__ import annotations

from typing import Any

__all__ = ["Loan"]


class Loan:
    """Remembers what was changed, as it was before the first change.

    What somebody else changes in the meantime stays as they left it, unless it was on loan.
    """

    def __init__(self) -> None:
        self._kept: list[tuple[Any, str, Any]] = []

    def set(self, owner: Any, **settings: Any) -> None:
        """Change attributes of an object until they are given back.

        Parameters
        ----------
        owner : object
            A layer, for instance.
        settings
            The attributes' new values.
        """
        if "contrast_limits" in settings:
            # napari widens the range with the limits.
            self._keep(owner, "contrast_limits_range")
        for name, value in settings.items():
            self._keep(owner, name)
            setattr(owner, name, value)

    def _keep(self, owner: Any, name: str) -> None:
        if not any(held is owner and which == name for held, which, _ in self._kept):
            self._kept.append((owner, name, getattr(owner, name)))

    def give_back(self) -> None:
        """Set everything as it was, the last change first."""
        while self._kept:
            owner, name, value = self._kept.pop()
            setattr(owner, name, value)
