-- The library's database. It is made once, on a student's first start, and filled from data/*.csv.

CREATE TABLE books (
    book_id   TEXT PRIMARY KEY,
    title     TEXT NOT NULL,
    author    TEXT NOT NULL,
    published INTEGER,
    subject   TEXT NOT NULL
);

-- The loans exactly as the branches sent them: all text, no key, duplicates and all.
CREATE TABLE loans_raw (
    loan_id  TEXT,
    book_id  TEXT,
    member   TEXT,
    branch   TEXT,
    borrowed TEXT,
    returned TEXT,
    renewals TEXT
);

-- The same loans, tidied each time somebody asks. The raw rows stay as they are.
CREATE VIEW loans AS
WITH tidy AS (
    SELECT DISTINCT
        loan_id,
        book_id,
        member,
        upper(substr(trim(branch), 1, 1)) || lower(substr(trim(branch), 2)) AS branch,
        CASE WHEN borrowed LIKE '__/__/____'
            THEN substr(borrowed, 7, 4) || '-' || substr(borrowed, 4, 2) || '-' || substr(borrowed, 1, 2)
            ELSE borrowed END AS borrowed,
        CASE WHEN returned LIKE '__/__/____'
            THEN substr(returned, 7, 4) || '-' || substr(returned, 4, 2) || '-' || substr(returned, 1, 2)
            ELSE returned END AS returned,
        CASE WHEN renewals GLOB '[0-9]*' THEN CAST(renewals AS INTEGER) END AS renewals
    FROM loans_raw
)
SELECT
    loan_id, book_id, member, branch, borrowed,
    -- A book cannot come back before it went out: such a date is not known rather than wrong.
    CASE WHEN returned >= borrowed THEN returned END AS returned,
    renewals
FROM tidy;
