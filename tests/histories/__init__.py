"""What clients asked and were told, and whether one copy of the data could have said so."""

from .checking import Report, Violation, check
from .operations import History, Kind, Operation, Outcome, Pending, wipe

__all__ = [
    "History",
    "Kind",
    "Operation",
    "Outcome",
    "Pending",
    "Report",
    "Violation",
    "check",
    "wipe",
]
