"""The tables in `docs/migrating.md`, in which each row has a check."""

import inspect
import re
from pathlib import Path

PAGE = (Path(__file__).parent.parent.parent / "docs" / "migrating.md").read_text()


class Checks:
    """The checks for the table rows in one part of the page."""

    def __init__(self, text):
        self._text = text
        self._checks = {}

    def rows(self):
        """Yield the cells of each row in each table, without the table heads."""
        for table in re.findall(r"(?:^\|.*\|\n)+", self._text, re.MULTILINE):
            for line in table.splitlines()[2:]:
                cells = re.split(r"(?<!\\)\|", line.removeprefix("|").removesuffix("|"))
                yield tuple(cell.strip() for cell in cells)

    def row(self, *beginnings):
        """Register the check for the rows whose first cells have these beginnings."""

        def register(check):
            self._checks.update(dict.fromkeys(beginnings, check))
            return check

        return register

    def of(self, cell):
        """Return the only check for a row."""
        found = {check for start, check in self._checks.items() if f"{cell} ".startswith(start)}
        assert len(found) == 1, cell
        return found.pop()

    def unused(self, cells):
        """Return the keyword arguments that are in a row's other cells but not in its check."""
        source = inspect.getsource(self.of(cells[0]))
        code = re.findall(r"`([^`]+)`", " ".join(cells[1:]))
        names = re.findall(r"\b([a-z_]+)=", " ".join(code))
        return [name for name in names if not re.search(rf"\b{name}\b", source)]

    def left_over(self):
        """Return the beginnings that do not match any row."""
        cells = [f"{cells[0]} " for cells in self.rows()]
        return [
            start for start in self._checks if not any(cell.startswith(start) for cell in cells)
        ]
