"""Small helpers for the notebooks: open the library's database, show rows as a table."""

import os
import sqlite3


def connect():
    """Open the library's database.

    kitbag says where the database is in KITBAG_LIBRARY_URL: the word `sqlite:` and then the full path of
    a file. The path differs from computer to computer, so it is never written into a notebook.
    """
    url = os.environ.get("KITBAG_LIBRARY_URL")
    if url is None:
        raise RuntimeError("The library database is not running. Start the course with: kitbag up")
    return sqlite3.connect(url.removeprefix("sqlite:"))


def show(cursor, limit=10):
    """Print the first rows of a query, with the names of its columns above them."""
    names = [column[0] for column in cursor.description]
    rows = [["" if value is None else str(value) for value in row] for row in cursor.fetchmany(limit)]
    widths = [max(len(line[i]) for line in [names, *rows]) for i in range(len(names))]
    for line in [names, ["-" * width for width in widths], *rows]:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())


def bar(value, largest, width=40):
    """A bar of text, as long as `value` is beside the `largest` one."""
    return "█" * round(width * value / largest)
