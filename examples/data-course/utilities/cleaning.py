"""The cleaning rules of notebook 3, in one place, for the notebooks after it."""

import pandas as pd

CITY = "Europe/London"
# Twice the busiest hour ever seen in the city.
MOST = 1500
# A count that stays the same this long is no count.
STUCK_HOURS = 12


def read_counts(path):
    """The raw counts, everything still text, so that nothing is guessed."""
    return pd.read_csv(path, dtype="str", keep_default_na=False)


def clean_counts(raw):
    """Tidy counts: one row for each counter and hour, times with their zone, and only numbers to believe in."""
    table = raw.copy()
    table["counter_id"] = table["counter_id"].str.strip().str.upper()
    plain = pd.to_datetime(table["hour"], format="%Y-%m-%d %H:%M", errors="coerce")
    british = pd.to_datetime(table["hour"], format="%d/%m/%Y %H:%M", errors="coerce")
    table["hour"] = plain.fillna(british).dt.tz_localize(CITY)
    table["bicycles"] = pd.to_numeric(table["bicycles"], errors="coerce").astype("Int64")
    table = table.drop_duplicates(["counter_id", "hour"]).sort_values(["counter_id", "hour"])
    table.loc[~table["bicycles"].between(0, MOST), "bicycles"] = pd.NA
    table.loc[stuck(table), "bicycles"] = pd.NA
    return table.reset_index(drop=True)


def stuck(table):
    """Which rows belong to a run of equal counts that is too long. A gap does not end a run; zeros are left alone."""
    count = table.groupby("counter_id")["bicycles"].ffill().fillna(0)
    changed = count.ne(count.groupby(table["counter_id"]).shift()).fillna(True)
    run = changed.cumsum()
    return (count.groupby(run).transform("size") >= STUCK_HOURS) & count.gt(0)
