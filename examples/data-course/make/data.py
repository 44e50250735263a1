"""Make the course's data: everything in data/ and the lists in database/. Run it and nothing changes.

The city of Aldermouth is invented. Every number comes from a hash of a name and an hour, in whole numbers
only, so this script and database/seed.sql reach the same counts on every computer and in every year. The
flaws of the files (gaps, doubles, a stuck counter, mixed notations) are put in here, on purpose and by name.

    python3 make/data.py            writes the files
    python3 make/data.py --check    ends with an error where a file differs from what would be written
"""

import csv
import hashlib
import io
import json
import sys
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

HERE = Path(__file__).resolve().parent.parent
CITY = ZoneInfo("Europe/London")

# name, population, area in km²
DISTRICTS = [
    ("Castle", 18240, "3.1"),
    ("Harbour", 12980, "4.6"),
    ("Millfield", 31450, "7.9"),
    ("Northgate", 26710, "6.2"),
    ("Rosehill", 22190, "5.4"),
    ("Saint Aubin", 9870, "2.8"),
    ("University", 14320, "2.2"),
    ("Westmarsh", 7640, "11.7"),
]

# id, name, street, district, latitude, longitude, installed, bicycles on a plain day, kind
COUNTERS = [
    ("C01", "Alder Bridge north", "Bridge Street", "Castle", "50.7312", "-3.5291", "2019-03-04", 2600, "work"),
    ("C02", "Alder Bridge south", "Bridge Street", "Harbour", "50.7291", "-3.5288", "2019-03-04", 2450, "work"),
    ("C03", "Old Ferry Bridge", "Ferry Lane", "Harbour", "50.7268", "-3.5342", "2019-06-18", 1700, "work"),
    ("C04", "Weir Footbridge", "Weir Walk", "Millfield", "50.7243", "-3.5405", "2020-02-11", 900, "leisure"),
    ("C05", "Station Square", "Station Road", "Castle", "50.7330", "-3.5330", "2019-03-04", 1900, "work"),
    ("C06", "Café Row", "Café Row", "Saint Aubin", "50.7351", "-3.5248", "2021-05-20", 640, "leisure"),
    ("C07", "Mill Road", "Mill Road", "Millfield", "50.7215", "-3.5441", "2019-09-02", 1150, "work"),
    ("C08", "Northgate Hill", "Northgate Hill", "Northgate", "50.7412", "-3.5301", "2020-08-24", 480, "work"),
    ("C09", "Rosehill Avenue", "Rosehill Avenue", "Rosehill", "50.7388", "-3.5190", "2021-05-20", 820, "work"),
    ("C10", "Library", "College Street", "University", "50.7365", "-3.5352", "2019-03-04", 2100, "work"),
    ("C11", "Harbour Wall", "Harbour Wall", "Harbour", "50.7250", "-3.5260", "2022-04-01", 1300, "leisure"),
    ("C12", "Saint Aubin's Quay", "Quay Side", "Saint Aubin", "50.7340", "-3.5222", "2022-04-01", 760, "leisure"),
    ("C13", "Science Park", "Newton Way", "University", "50.7391", "-3.5388", "2023-01-16", 990, "work"),
    ("C14", "Rosehill School", "School Lane", "Rosehill", "50.7402", "-3.5167", "2024-06-01", 350, "work"),
    # Two that were set up and have not counted yet: what an anti join finds.
    ("C15", "Marsh Causeway", "Causeway Road", "Westmarsh", "50.7180", "-3.5530", "2025-11-28", 0, "none"),
    ("C16", "Northgate Park", "Park Lane", "Northgate", "50.7431", "-3.5277", "2025-12-15", 0, "none"),
]

# Parts in ten thousand of a plain day, by the hour of the local clock. Each adds up to 10,000.
PROFILES = {
    "work": [30, 15, 10, 10, 20, 90, 310, 890, 1240, 620, 380, 390, 450, 440, 410, 500, 860, 1290, 850, 480, 290, 200, 140, 85],
    "weekend": [70, 45, 30, 20, 20, 40, 90, 170, 330, 560, 800, 950, 1010, 1000, 960, 900, 820, 700, 520, 370, 250, 170, 110, 65],
    "leisure": [35, 20, 10, 10, 15, 50, 140, 280, 420, 580, 760, 880, 960, 960, 920, 900, 880, 800, 580, 360, 200, 120, 78, 42],
}
# Percent of a plain day, January to December.
MONTHS = [62, 68, 84, 97, 112, 122, 126, 118, 116, 102, 80, 60]
# Highest temperature of a plain day in tenths of a degree, January to December.
WARMTH = [70, 78, 102, 134, 171, 201, 224, 221, 189, 146, 102, 77]


def number(key):
    """A whole number from 0 to 4,294,967,295 that depends on nothing but the key."""
    return int(hashlib.md5(key.encode()).hexdigest()[:8], 16)


def weather(day):
    """Highest and lowest temperature and rain in tenths, wind in km/h."""
    key = day.isoformat()
    high = WARMTH[day.month - 1] + number(f"warm {key}") % 81 - 40
    low = high - 45 - number(f"span {key}") % 40
    wet = number(f"wet {key}") % 100 < 42
    rain = (number(f"rain {key}") % 1000) ** 2 // 8000 if wet else 0
    return high, low, rain, 5 + number(f"wind {key}") % 35


def bicycles(counter, hour):
    """What a counter counts in the hour that begins at this moment; None where it does not count."""
    name, plain, kind, installed = counter[0], counter[7], counter[8], date.fromisoformat(counter[6])
    local = hour.astimezone(CITY)
    day = local.date()
    if kind == "none" or day < installed:
        return None
    # The mast at Station Square had no power for three days.
    if name == "C05" and date(2025, 3, 11) <= day <= date(2025, 3, 13):
        return None
    # Old Ferry Bridge was closed; those who used it took the Weir Footbridge.
    closed = date(2025, 5, 12) <= day <= date(2025, 7, 20)
    if name == "C03" and closed:
        return None
    weekend = local.isoweekday() >= 6
    profile = PROFILES["weekend" if weekend and kind == "work" else kind]
    share = 45 if weekend and kind == "work" else 140 if weekend else 100
    high, _, rain, _ = weather(day)
    wet = 100 - min(45, rain * 45 // 80)
    warm = 100 + (high - WARMTH[day.month - 1]) // 4
    year = 108 if day.year >= 2025 else 100
    special = 100
    if name == "C04" and closed:
        special = 190
    # A separate cycle lane was opened on Rosehill Avenue.
    if name == "C09" and day >= date(2024, 9, 1):
        special = 135
    chance = 75 + number(f"{name} {hour:%Y-%m-%d %H}") % 51
    product = plain * profile[local.hour] * MONTHS[local.month - 1] * share * wet * warm * year * special * chance
    return product // 10**18


def text(rows, **format):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", **format).writerows(rows)
    return out.getvalue()


def counters_file():
    """The city's list: with a byte order mark, a double row, and blanks nobody sees."""
    rows = [["counter_id", "name", "street", "district", "lat", "lon", "installed"]]
    for counter in COUNTERS:
        row = list(counter[:7])
        if row[0] in ("C06", "C12"):
            row[3] = "St Aubin"
        if row[0] == "C08":
            row[1] = " Northgate Hill "
        rows.append(row)
        if row[0] == "C10":
            rows.append(list(row))
    return ("\ufeff" + text(rows)).encode()


def districts_file():
    """Populations with a comma between thousands, as a spreadsheet shows them."""
    rows = [["district", "population", "area_km2"]]
    rows += [[name, f"{people:,}", area] for name, people, area in DISTRICTS]
    return text(rows).encode()


def counts_file():
    """March 2025 as the counters sent it: local clock time, and what goes wrong with machines in the street."""
    rows = [["counter_id", "hour", "bicycles"]]
    first, last = datetime(2025, 3, 1, tzinfo=CITY), datetime(2025, 4, 1, tzinfo=CITY)
    hours = []
    hour = first.astimezone(timezone.utc)
    while hour < last:
        hours.append(hour)
        hour += timedelta(hours=1)
    for counter in COUNTERS:
        name = counter[0]
        for hour in hours:
            count = bicycles(counter, hour)
            if count is None:
                continue
            local = hour.astimezone(CITY)
            shown = local.strftime("%Y-%m-%d %H:%M")
            if name == "C07":
                shown = local.strftime("%d/%m/%Y %H:%M")
            # The Harbour Wall's counter hung from Saturday afternoon to Monday morning.
            if name == "C11" and datetime(2025, 3, 22, 15) <= local.replace(tzinfo=None) < datetime(2025, 3, 24, 7):
                count = 7
            value = str(count)
            chance = number(f"flaw {name} {hour:%Y-%m-%d %H}") % 10000
            if chance < 12:
                value = "9999"
            elif chance < 20:
                value = "-1"
            elif chance < 60:
                value = ""
            elif chance < 80:
                value = "n/a"
            shown_name = name
            if name == "C02" and local.day <= 5:
                shown_name = "c02"
            if name == "C13" and local.day > 28:
                shown_name = "C13 "
            rows.append([shown_name, shown, value])
            # A message that was sent again, because the first was not answered.
            if 100 <= chance < 180:
                rows.append([shown_name, shown, value])
    return text(rows).encode()


def airport_file():
    """The airport's weather for 2025: French headings, Latin-1, semicolons, decimal commas, -999 for nothing."""

    def tenths(value):
        return f"{'-' if value < 0 else ''}{abs(value) // 10},{abs(value) % 10}"

    rows = [["Date", "Température max (°C)", "Température min (°C)", "Précipitations (mm)", "Vent (km/h)"]]
    day = date(2025, 1, 1)
    while day.year == 2025:
        high, low, rain, wind = weather(day)
        cells = [tenths(high), tenths(low), tenths(rain), str(wind)]
        chance = number(f"sensor {day}") % 100
        if chance < 3:
            cells[2] = "-999,0"
        elif chance < 5:
            cells[0] = cells[1] = "-999,0"
        rows.append([day.strftime("%d/%m/%Y"), *cells])
        day += timedelta(days=1)
    return text(rows, delimiter=";").encode("latin-1")


def harbour_file():
    """The harbour master's station in March 2025: nested JSON, universal time, degrees Fahrenheit."""
    seen = []
    hour = datetime(2025, 3, 1, tzinfo=timezone.utc)
    while hour.month == 3:
        high, low, _, wind = weather(hour.date())
        swing = [0, 0, 0, 0, 0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 10, 9, 8, 7, 5, 4, 3, 2, 1, 1][hour.hour]
        tenths = low + (high - low) * swing // 10
        fahrenheit = (tenths * 18 + 3200 + 50) // 100
        chance = number(f"harbour {hour:%Y-%m-%d %H}") % 100
        seen.append(
            {
                "time": hour.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "temperature_f": None if chance < 2 else fahrenheit,
                "wind": {
                    "speed_ms": (wind * 10 // 36) + number(f"gust {hour:%Y-%m-%d %H}") % 3,
                    "direction": ["N", "NE", "E", "SE", "S", "SW", "W", "NW"][number(f"turn {hour:%Y-%m-%d %H}") % 8],
                },
            }
        )
        hour += timedelta(hours=1)
    document = {
        "station": {"id": "HBR", "name": "Harbour master", "position": {"lat": 50.7252, "lon": -3.5251}},
        "licence": "CC0-1.0",
    }
    lines = ",\n".join("    " + json.dumps(one) for one in seen)
    head = json.dumps(document, indent=2).removesuffix("\n}")
    return f'{head},\n  "observations": [\n{lines}\n  ]\n}}\n'.encode()


STREETS = {
    "Bridge Street": ["Bridge Street", "Bridge St", "Bridge St.", "bridge street", "BRIDGE STREET", "Street, Bridge", "Bridge Steet"],
    "Mill Road": ["Mill Road", "Mill Rd", "Mill Rd.", "mill road", "Mill  Road", "Mil Road"],
    "Rosehill Avenue": ["Rosehill Avenue", "Rosehill Ave", "Rose Hill Avenue", "rosehill avenue", "Rosehill Av.", "Rosehil Avenue"],
    "College Street": ["College Street", "College St", "Colledge Street", "college street ", "COLLEGE ST"],
    "Station Road": ["Station Road", "Station Rd", "Road, Station", "station road", "Staton Road"],
    "Café Row": ["Café Row", "Cafe Row", "CAFÉ ROW", "café row", "Row Café"],
    "Quay Side": ["Quay Side", "Quayside", "quay side", "Quay-Side", "Quay Side "],
    "Northgate Hill": ["Northgate Hill", "North Gate Hill", "northgate hill", "Northgate Hil", "Hill, Northgate"],
    "Harbour Wall": ["Harbour Wall", "Harbor Wall", "HARBOUR WALL", "harbour wall"],
    "Newton Way": ["Newton Way", "newton way", "Newton  Way", "Way, Newton"],
    "Weir Walk": ["Weir Walk", "Wier Walk", "weir walk", "Weir Wlk"],
    "School Lane": ["School Lane", "School Ln", "school lane", "School La."],
}
KINDS = {
    "pothole": (["pothole", "Pothole", "pot hole", "Pot-hole", "POTHOLE", "potholes"], ["Deep hole next to the kerb", "Hole again after the repair", "Had to swerve into traffic"]),
    "glass": (["glass", "broken glass", "Glass", "Broken Glass", "glas"], ["Bottles on the lane", "Splinters near the bins", "Puncture this morning"]),
    "parked car": (["parked car", "Parked car", "car parked in lane", "parked cars", "Parked Car"], ["Van on the lane", "Delivery every day at eight", "Lane blocked"]),
    "light": (["light", "Light out", "lamp", "street light", "Street Light"], ["Dark under the bridge", "Lamp flickers", "Third report of this lamp"]),
    "flooding": (["flooding", "Flooding", "flood", "water on lane", "Floodng"], ["Drain blocked", "Ice in winter", "Knee deep after rain"]),
    "sign": (["sign", "Sign", "signage", "sign missing", "Signs"], ["Sign turned round", "Sign hidden by a hedge", "No sign at the diversion"]),
}


def reports_file():
    """What people reported in 2025, typed by many hands: one street in many spellings, dates in three notations."""
    rows = [["report_id", "reported", "street", "kind", "status", "days_open", "note"]]
    for index in range(1, 1501):
        key = f"report {index}"
        street = list(STREETS)[number(f"{key} street") % 1000 * len(STREETS) // 1000]
        spellings = STREETS[street]
        pick = number(f"{key} spelling") % 100
        street = spellings[0] if pick < 46 else spellings[1 + pick % (len(spellings) - 1)]
        kind = list(KINDS)[min(number(f"{key} kind") % 9, 8) % len(KINDS)]
        spellings, notes = KINDS[kind]
        pick = number(f"{key} word") % 100
        kind = spellings[0] if pick < 50 else spellings[1 + pick % (len(spellings) - 1)]
        day = date(2025, 1, 1) + timedelta(days=number(f"{key} day") % 365)
        shown = [day.isoformat(), day.strftime("%d/%m/%Y"), f"{day.day} {day.strftime('%B %Y')}"][[0, 0, 0, 1, 1, 2][number(f"{key} notation") % 6]]
        status = ["closed", "closed", "closed", "Closed", "open", "Open", "", "duplicate"][number(f"{key} status") % 8]
        days = "" if status.lower() in ("open", "") else str(1 + (number(f"{key} days") % 100) ** 2 // 160)
        if days and number(f"{key} unit") % 12 == 0:
            days += " days"
        rows.append([f"R{index:04}", shown, street, kind, status, days, notes[number(f"{key} note") % len(notes)]])
        if number(f"{key} twice") % 50 == 0:
            rows.append(list(rows[-1]))
    return text(rows).encode()


def database_files():
    """The lists database/seed.sql begins with: as clean as the city's own register."""
    districts = [["name", "population", "area_km2"], *DISTRICTS]
    counters = [["counter_id", "name", "street", "district", "lat", "lon", "installed"]]
    counters += [counter[:7] for counter in COUNTERS]
    plan = [["counter_id", "plain", "kind"], *([c[0], c[7], c[8]] for c in COUNTERS if c[8] != "none")]
    profiles = [["kind", "hour", "share"]]
    profiles += [[kind, hour, share] for kind, shares in PROFILES.items() for hour, share in enumerate(shares)]
    months = [["month", "percent", "warmth"], *([m + 1, MONTHS[m], WARMTH[m]] for m in range(12))]
    return {
        "database/districts.csv": text(districts).encode(),
        "database/counters.csv": text(counters).encode(),
        "database/plan.csv": text(plan).encode(),
        "database/profiles.csv": text(profiles).encode(),
        "database/months.csv": text(months).encode(),
    }


def main():
    for kind, shares in PROFILES.items():
        assert sum(shares) == 10000, (kind, sum(shares))
    files = {
        "data/counters.csv": counters_file(),
        "data/districts.csv": districts_file(),
        "data/bicycles_2025-03.csv": counts_file(),
        "data/weather_airport_2025.csv": airport_file(),
        "data/weather_harbour_2025-03.json": harbour_file(),
        "data/street_reports_2025.csv": reports_file(),
        **database_files(),
    }
    differs = 0
    for name, content in files.items():
        path = HERE / name
        if "--check" in sys.argv[1:]:
            if not path.is_file() or path.read_bytes() != content:
                print(f"{name} is not what make/data.py writes. Run: python3 make/data.py")
                differs += 1
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            print(f"{name}: {len(content):,} bytes")
    return 1 if differs else 0


if __name__ == "__main__":
    sys.exit(main())
