"""Run all notebooks of a course folder, and look at its services: check.py FOLDER [BEGINNING...]

With BEGINNINGs of names, such as 05, only these notebooks.
Each notebook runs twice, on a copy: as shipped, where every exercise is unanswered, and with the solutions put into
the exercises, where every check has to be content. Where JUPYTER_TOKEN is set, the notebook server of this container
is asked too: for a page without the token and with it, for OpenRefine with its project, for nbdime.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

SERVER = "http://127.0.0.1:8888"
PROJECT = "Street reports 2025"


def solve(notebook):
    """Put each solution into its exercise; every exercise needs one, and every solution an exercise."""
    exercises = {cell.id: cell for cell in notebook.cells if "exercise" in cell.metadata.get("tags", [])}
    solutions = {cell.id: cell for cell in notebook.cells if cell.id.endswith("-solution")}
    assert {f"{name}-solution" for name in exercises} == set(solutions), "exercises and solutions do not match"
    for name, cell in exercises.items():
        cell.source = solutions[f"{name}-solution"].source.split("```python\n", 1)[1].split("\n```", 1)[0]
    return len(exercises)


def run(path, strict):
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    exercises = solve(notebook) if strict else 0
    os.environ.pop("COURSE_STRICT", None)
    if strict:
        os.environ["COURSE_STRICT"] = "1"
    begin = time.monotonic()
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(path.parent)}})
    # What the kernel itself says, not the cells: a warning each time that it listens on this computer's own address.
    client.execute(stderr=subprocess.DEVNULL)
    how = f"with {exercises} solutions" if strict else "as shipped"
    print(f"ok      {path.stem} ({how}, {time.monotonic() - begin:.1f} s)", flush=True)
    return exercises


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def get(path, token=None, seconds=120):
    """The status and the body of a page of the notebook server."""
    request = urllib.request.Request(SERVER + path, headers={"Authorization": f"token {token}"} if token else {})
    try:
        with urllib.request.build_opener(NoRedirect).open(request, timeout=seconds) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, b""


def services(token):
    """What is wrong with the services, as a list of sentences."""
    wrong = []
    pages = ["/api/contents", "/openrefine/command/core/get-all-project-metadata", "/nbdime/difftool"]
    for page in pages:
        if get(page)[0] not in (302, 403):
            wrong.append(f"{page} is open without the token")
        if get(page, "no-" + token)[0] not in (302, 403):
            wrong.append(f"{page} is open with a wrong token")
        status, _ = get(page, token)
        if status != 200:
            wrong.append(f"{page} answers {status} with the token")
    try:
        projects = json.loads(get(pages[1], token)[1])["projects"].values()
        if PROJECT not in [project["name"] for project in projects]:
            wrong.append(f"OpenRefine does not have the project {PROJECT}")
    except ValueError:
        wrong.append("OpenRefine's answer is not JSON")
    return wrong


def main():
    course, failed, exercises = Path(sys.argv[1]), 0, 0
    with tempfile.TemporaryDirectory() as place:
        for folder in ["notebooks", "data", "utilities", "openrefine_projects"]:
            shutil.copytree(course / folder, Path(place) / folder)
        # The copy's own Python files, not those of the student's folder.
        os.environ["PYTHONPATH"] = str(Path(place) / "utilities")
        notebooks = sorted((Path(place) / "notebooks").glob("*.ipynb"))
        assert len(notebooks) == 8, notebooks
        if sys.argv[2:]:
            notebooks = [path for path in notebooks if path.name.startswith(tuple(sys.argv[2:]))]
        for path in notebooks:
            for strict in (False, True):
                try:
                    exercises += run(path, strict)
                except (CellExecutionError, AssertionError, nbformat.ValidationError) as error:
                    failed += 1
                    print(f"FAILED  {path.stem}: {error}", flush=True)
    token = os.environ.get("JUPYTER_TOKEN")
    if token:
        wrong = services(token)
        failed += len(wrong)
        print("\n".join(f"FAILED  {one}" for one in wrong) or "ok      notebook server, OpenRefine and nbdime, each with the token only")
    print(f"{len(notebooks)} notebooks, {exercises} exercises, {failed} failures")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
