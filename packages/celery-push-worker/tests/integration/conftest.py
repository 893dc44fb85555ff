from __future__ import annotations

from matrix.conftest import stand_in

__all__ = ["stand_in"]
