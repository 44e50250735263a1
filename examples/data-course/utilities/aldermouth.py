"""What the notebooks share: where the data is, how to ask the database, and how an answer is checked.

Nothing here is needed to understand the course; read it when you are curious.
"""

import os
import shutil
from pathlib import Path

import pandas as pd
import sqlalchemy

FOLDER = Path(__file__).resolve().parent.parent
DATA = FOLDER / "data"

NO_DATABASE = (
    "The course's database does not run here. It comes with the course's environment, which needs Docker: "
    "start the course with `kitbag up`. Notebooks 1 to 4 and 7 work without it."
)

_engine = None


def database():
    """The way to the database, as pandas wants it. Whoever starts the course says where it is."""
    global _engine
    if _engine is None:
        url = os.environ.get("KITBAG_POSTGRES_URL")
        if url is None and "PGHOST" not in os.environ:
            raise RuntimeError(NO_DATABASE)
        # With nothing after the slashes, PostgreSQL's own variables (PGHOST, PGUSER and so on) say where.
        scheme, rest = (url or "postgresql://").split("://", 1)
        # A database that was brought back ends the connections to the one before.
        engine = sqlalchemy.create_engine(
            f"postgresql+psycopg://{rest}", isolation_level="AUTOCOMMIT", pool_pre_ping=True
        )
        try:
            engine.connect().close()
        except sqlalchemy.exc.OperationalError as error:
            raise RuntimeError(f"The database does not answer. Start the course again with `kitbag up`. ({error.orig})") from None
        _engine = engine
    return _engine


def ask(sql, **values):
    """The answer to a question in SQL, as a table of pandas. `:name` in the question stands for a value."""
    with database().connect() as connection:
        return pd.read_sql(sqlalchemy.text(sql), connection, params=values)


def tell(sql, **values):
    """Carry out statements that have no answer, such as CREATE TABLE or INSERT."""
    with database().connect() as connection:
        return connection.execute(sqlalchemy.text(sql), values).rowcount


def environment():
    """What runs here, as a list of names and states."""
    try:
        version = ask("SELECT current_setting('server_version') AS version").version[0]
        state = f"running, PostgreSQL {version}"
    except RuntimeError:
        state = "not here"
    refine = os.environ.get("COURSE_REFINE") or shutil.which("openrefine")
    return [("database", state), ("OpenRefine", "in the launcher (the + at the top left)" if refine else "not here")]


def check(answer, *tests):
    """Check an answer by pairs of a test and a hint; the first test that fails shows its hint.

    With COURSE_STRICT in the environment, a wrong or missing answer stops the notebook: that is how the module
    team makes sure that every exercise can be solved.
    """
    verdict = None
    if answer is ... or isinstance(answer, str) and answer.strip() in ("", "..."):
        verdict = "Not answered yet: put your answer in place of the three dots above, run that cell, then this one."
    else:
        for test, hint in tests:
            try:
                right = bool(test(answer))
            except Exception as error:
                right, hint = False, f"{hint} (The check stumbled: {type(error).__name__}: {error})"
            if not right:
                verdict = f"Not yet. {hint}"
                break
    if verdict and os.environ.get("COURSE_STRICT"):
        raise AssertionError(verdict)
    print(verdict or "Right!")
