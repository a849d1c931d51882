"""What a suite is told about the rows that it judges, and the nights in a partition key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from data_checks.errors import PartitionMistake

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True)
class SuiteContext:
    """Everything a suite may know beside the rows.

    Attributes:
        partition: One night ("2013-11-19") or a window with both ends included ("2013-05-01..2013-10-31").
        nights: How many nights the rows cover; row-count bounds grow with it.
        id_columns: Columns that name a row; they head every refused row.
        profile: The training profile (`build_profile`), None before the first champion.
        today: Timezone-aware "now" of the caller, for suites with a rule that needs it.
        sensitive: Columns whose values are hidden in everything that the suite's run gives back.
    """

    partition: str
    nights: int
    id_columns: tuple[str, ...]
    profile: Mapping[str, Any] | None = None
    today: datetime | None = None
    sensitive: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.nights < 1:
            raise PartitionMistake(
                f"SuiteContext '{self.partition}' needs nights >= 1, got {self.nights}. Pass the number of nights that"
                " the rows cover: the expected row count depends on it."
            )

    @property
    def window(self) -> tuple[date, date]:
        """First and last night of the partition, both included.

        Raises:
            PartitionMistake: The key is not "YYYY-MM-DD" or "YYYY-MM-DD..YYYY-MM-DD", or runs backwards.
        """
        return nights_of(self.partition)


def nights_of(partition: str) -> tuple[date, date]:
    """First and last night that a partition key names, both included.

    Raises:
        PartitionMistake: The key is not "YYYY-MM-DD" or "YYYY-MM-DD..YYYY-MM-DD", or runs backwards.
    """
    first_text, dots, last_text = partition.partition("..")
    try:
        first = date.fromisoformat(first_text)
        last = date.fromisoformat(last_text if dots else first_text)
    except ValueError as error:
        raise PartitionMistake(
            f"A partition is 'YYYY-MM-DD' or 'YYYY-MM-DD..YYYY-MM-DD', got '{partition}' ({error})."
            " Pass the night's partition key."
        ) from error
    if last < first:
        raise PartitionMistake(f"Partition '{partition}' ends before it begins. Swap the two nights.")
    return first, last
