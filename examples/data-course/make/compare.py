"""Compare the database with make/data.py, every count and every day's weather. psql's PG… variables say where it is.

    python3 make/compare.py
"""

import csv
import io
import subprocess
import sys
from datetime import date, datetime

from data import COUNTERS, bicycles, weather


def rows(sql):
    command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "--csv", "-t", "-c", f"SET timezone = 'UTC'; {sql}"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return list(csv.reader(io.StringIO(answer.stdout)))


def main():
    counters = {counter[0]: counter for counter in COUNTERS}
    wrong = 0
    counts = rows("SELECT counter_id, to_char(counted_at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"'), bicycles FROM city.counts")
    for counter, hour, bicycle in counts:
        wrong += bicycles(counters[counter], datetime.fromisoformat(hour)) != int(bicycle)
    days = rows("SELECT day, (temp_max * 10)::int, (temp_min * 10)::int, (rain_mm * 10)::int, wind_kmh FROM city.weather")
    for day, *figures in days:
        wrong += weather(date.fromisoformat(day)) != tuple(int(figure) for figure in figures)
    print(f"{len(counts):,} counts and {len(days)} days compared, {wrong} differ")
    return 1 if wrong or len(counts) < 200_000 or len(days) != 731 else 0


if __name__ == "__main__":
    sys.exit(main())
