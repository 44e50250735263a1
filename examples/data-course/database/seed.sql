-- The course's database, made once on an empty server: psql -v ON_ERROR_STOP=1 -1 -f seed.sql, from this folder.
-- About 240,000 hourly counts are computed here instead of lying in a file. The rules and the whole numbers are
-- those of make/data.py, so the counts of March 2025 agree with data/bicycles_2025-03.csv; notebook 8 compares.

CREATE SCHEMA city;
COMMENT ON SCHEMA city IS 'The city''s data. Look, do not change: yours is the schema my.';
CREATE SCHEMA my;
COMMENT ON SCHEMA my IS 'For your own tables.';

CREATE TABLE city.districts (
    name        text PRIMARY KEY,
    population  integer NOT NULL CHECK (population > 0),
    area_km2    numeric(5, 1) NOT NULL CHECK (area_km2 > 0)
);

CREATE TABLE city.counters (
    counter_id  text PRIMARY KEY CHECK (counter_id ~ '^C[0-9]{2}$'),
    name        text NOT NULL UNIQUE,
    street      text NOT NULL,
    district    text NOT NULL REFERENCES city.districts (name),
    lat         numeric(7, 4) NOT NULL,
    lon         numeric(7, 4) NOT NULL,
    installed   date NOT NULL
);

CREATE TABLE city.weather (
    day       date PRIMARY KEY,
    temp_max  numeric(4, 1) NOT NULL,
    temp_min  numeric(4, 1) NOT NULL CHECK (temp_min <= temp_max),
    rain_mm   numeric(4, 1) NOT NULL CHECK (rain_mm >= 0),
    wind_kmh  integer NOT NULL CHECK (wind_kmh >= 0)
);

CREATE TABLE city.counts (
    counter_id  text NOT NULL REFERENCES city.counters (counter_id),
    counted_at  timestamptz NOT NULL,
    bicycles    integer NOT NULL CHECK (bicycles >= 0),
    PRIMARY KEY (counter_id, counted_at)
);
COMMENT ON COLUMN city.counts.counted_at IS 'When the hour began.';

CREATE TABLE city.roadworks (
    roadwork_id  integer PRIMARY KEY,
    street       text NOT NULL,
    counter_id   text REFERENCES city.counters (counter_id),
    starts       date NOT NULL,
    ends         date NOT NULL,
    what         text NOT NULL,
    CHECK (starts <= ends)
);

\copy city.districts FROM 'districts.csv' WITH (FORMAT csv, HEADER true, ENCODING 'UTF8')
\copy city.counters FROM 'counters.csv' WITH (FORMAT csv, HEADER true, ENCODING 'UTF8')

INSERT INTO city.roadworks VALUES
    (1, 'Rosehill Avenue', 'C09', '2024-07-15', '2024-08-31', 'A separate cycle lane is built'),
    (2, 'College Street',  'C10', '2024-10-07', '2024-10-18', 'New kerbs'),
    (3, 'Tanner''s Yard',  NULL,  '2025-01-20', '2025-02-07', 'Water main'),
    (4, 'Station Road',    'C05', '2025-03-11', '2025-03-13', 'Work on the power line'),
    (5, 'Ferry Lane',      'C03', '2025-05-12', '2025-07-20', 'Old Ferry Bridge is closed for repair'),
    (6, 'Mill Road',       'C07', '2025-09-01', '2025-09-12', 'Resurfacing, one lane stays open'),
    (7, 'Gasworks Lane',   NULL,  '2025-10-06', '2025-10-24', 'Gas main');

-- What the counts are computed from.
CREATE TEMPORARY TABLE plan (counter_id text PRIMARY KEY, plain integer, kind text);
CREATE TEMPORARY TABLE profiles (kind text, hour integer, share integer, PRIMARY KEY (kind, hour));
CREATE TEMPORARY TABLE months (month integer PRIMARY KEY, percent integer, warmth integer);
\copy plan FROM 'plan.csv' WITH (FORMAT csv, HEADER true)
\copy profiles FROM 'profiles.csv' WITH (FORMAT csv, HEADER true)
\copy months FROM 'months.csv' WITH (FORMAT csv, HEADER true)

-- A whole number from 0 to 4,294,967,295 that depends on nothing but the key.
CREATE FUNCTION pg_temp.number(key text) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    RETURN ('x' || substr(md5(key), 1, 8))::bit(32)::bigint;

INSERT INTO city.weather
SELECT day, high / 10.0, (high - 45 - pg_temp.number('span ' || day) % 40) / 10.0,
       CASE WHEN pg_temp.number('wet ' || day) % 100 < 42
            THEN (pg_temp.number('rain ' || day) % 1000) ^ 2::numeric
            ELSE 0 END::bigint / 8000 / 10.0,
       5 + pg_temp.number('wind ' || day) % 35
FROM (
    SELECT day::date AS day,
           warmth + pg_temp.number('warm ' || day::date) % 81 - 40 AS high
    FROM generate_series(timestamp '2024-01-01', timestamp '2025-12-31', interval '1 day') AS day
    JOIN months ON month = extract(month FROM day)
) AS days
ORDER BY day;

INSERT INTO city.counts
SELECT counter_id, counted_at,
       div(plain::numeric * share * percent * of_day * wet * warm * of_year * special * chance, 10::numeric ^ 18)::integer
FROM (
    SELECT plan.counter_id, hours.counted_at, plan.plain, profiles.share, months.percent,
           CASE WHEN NOT hours.weekend THEN 100 WHEN plan.kind = 'work' THEN 45 ELSE 140 END AS of_day,
           100 - least(45, (weather.rain_mm * 10)::integer * 45 / 80) AS wet,
           100 + floor(((weather.temp_max * 10)::integer - months.warmth) / 4.0)::integer AS warm,
           CASE WHEN hours.day >= '2025-01-01' THEN 108 ELSE 100 END AS of_year,
           CASE WHEN plan.counter_id = 'C04' AND hours.day BETWEEN '2025-05-12' AND '2025-07-20' THEN 190
                WHEN plan.counter_id = 'C09' AND hours.day >= '2024-09-01' THEN 135
                ELSE 100 END AS special,
           75 + pg_temp.number(plan.counter_id || ' ' || hours.name) % 51 AS chance
    FROM (
        SELECT at AS counted_at,
               to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24') AS name,
               (at AT TIME ZONE 'Europe/London')::date AS day,
               extract(hour FROM at AT TIME ZONE 'Europe/London')::integer AS hour,
               extract(isodow FROM at AT TIME ZONE 'Europe/London') >= 6 AS weekend
        FROM generate_series(timestamptz '2024-01-01 00:00+00', timestamptz '2025-12-31 23:00+00',
                             interval '1 hour') AS at
    ) AS hours
    CROSS JOIN plan
    JOIN city.counters USING (counter_id)
    JOIN profiles ON profiles.hour = hours.hour
                 AND profiles.kind = CASE WHEN hours.weekend AND plan.kind = 'work' THEN 'weekend' ELSE plan.kind END
    JOIN months ON months.month = extract(month FROM hours.day)
    JOIN city.weather ON weather.day = hours.day
    WHERE hours.day >= counters.installed
      AND NOT (plan.counter_id = 'C05' AND hours.day BETWEEN '2025-03-11' AND '2025-03-13')
      AND NOT (plan.counter_id = 'C03' AND hours.day BETWEEN '2025-05-12' AND '2025-07-20')
) AS parts
ORDER BY counter_id, counted_at;

CREATE INDEX counts_by_hour ON city.counts (counted_at);
