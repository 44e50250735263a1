"""Make what notebook 4 begins and ends with, by a real OpenRefine of its own: the project in openrefine_projects/,
the list of steps (its "history") and the table exported after them. Needs the program openrefine (Debian's).

    python3 make/openrefine.py
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

from data import HERE, KINDS, STREETS

PORT = 33399
NAME = "Street reports 2025"
# OpenRefine names a project's folder by a number. A fixed one, so that everybody's project is the same unit.
FOLDER = "2025000000001.project"
RAW = HERE / "data/street_reports_2025.csv"


def post(command, fields, query=None, upload=None, kind="core"):
    url = f"http://127.0.0.1:{PORT}/command/{kind}/"
    token = json.load(urllib.request.urlopen(url.replace(kind, "core") + "get-csrf-token"))["token"]
    query = {**(query or {}), "csrf_token": token}
    if upload is None:
        body, header = urllib.parse.urlencode(fields).encode(), "application/x-www-form-urlencoded"
    else:
        edge = "edge-of-a-part"
        parts = [f'--{edge}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode() for k, v in fields.items()]
        parts.append(
            f'--{edge}\r\nContent-Disposition: form-data; name="project-file"; filename="{upload.name}"\r\n'
            "Content-Type: text/csv\r\n\r\n".encode() + upload.read_bytes() + f"\r\n--{edge}--\r\n".encode()
        )
        body, header = b"".join(parts), f"multipart/form-data; boundary={edge}"
    request = urllib.request.Request(f"{url}{command}?{urllib.parse.urlencode(query)}", body, {"Content-Type": header})
    return urllib.request.urlopen(request)


def squeezed(text):
    return " ".join(text.split())


def steps():
    """The steps a person would click, in the form OpenRefine itself keeps them."""
    everything = {"facets": [], "mode": "row-based"}

    def transform(column, expression):
        return {
            "op": "core/text-transform", "engineConfig": everything, "columnName": column,
            "expression": f"grel:{expression}", "onError": "keep-original", "repeat": False, "repeatCount": 10,
        }

    def merged(column, table):
        edits = []
        for meant, spellings in table.items():
            wrong = sorted({squeezed(one) for one in spellings} - {meant})
            edits.append({"from": wrong, "fromBlank": False, "fromError": False, "to": meant})
        return {"op": "core/mass-edit", "engineConfig": everything, "columnName": column, "expression": "value", "edits": edits}

    blank = {
        "type": "list", "name": "report_id", "columnName": "report_id", "expression": "isBlank(value)", "omitBlank": False,
        "omitError": False, "selectBlank": False, "selectError": False, "invert": False,
        "selection": [{"v": {"v": True, "l": "true"}}],
    }
    return [
        transform("street", r"value.replace(/\s+/, ' ').trim()"),
        merged("street", STREETS),
        merged("kind", {kind: spellings for kind, (spellings, _) in KINDS.items()}),
        transform("status", "value.toLowercase()"),
        transform("days_open", "value.replace(' days', '').toNumber()"),
        transform("reported", "value.toDate('yyyy-MM-dd', 'dd/MM/yyyy', 'd MMMM yyyy').toString('yyyy-MM-dd')"),
        {
            "op": "core/row-reorder", "mode": "row-based",
            "sorting": {"criteria": [{"valueType": "string", "column": "report_id", "blankPos": 2, "errorPos": 1, "reverse": False, "caseSensitive": False}]},
        },
        {"op": "core/blank-down", "engineConfig": everything, "columnName": "report_id"},
        {"op": "core/row-removal", "engineConfig": {"facets": [blank], "mode": "row-based"}},
    ]


def run(folder):
    environment = {**os.environ, "REFINE_AUTOSAVE_PERIOD": "1"}
    program = "/usr/share/openrefine/refine"
    command = [program, "-p", str(PORT), "-i", "127.0.0.1", "-d", str(folder), "-x", "refine.headless=true"]
    server = subprocess.Popen(command, cwd=os.path.dirname(program), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(240):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/command/core/get-version").read()
            return server
        except OSError:
            time.sleep(0.5)
    server.kill()
    raise SystemExit("OpenRefine did not answer within two minutes")


def end(server):
    server.send_signal(signal.SIGTERM)
    server.wait(60)


def main():
    work = Path(tempfile.mkdtemp(prefix="openrefine-"))
    try:
        server = run(work)
        try:
            options = {"encoding": "UTF-8", "separator": ",", "headerLines": 1, "guessCellValueTypes": False, "trimStrings": False,
                       "processQuotes": True, "storeBlankCellsAsNulls": True, "storeBlankRows": False, "includeFileSources": False}
            post("create-project-from-upload", {"project-name": NAME, "format": "text/line-based/*sv", "options": json.dumps(options)},
                 {"options": json.dumps(options)}, RAW).read()
        finally:
            end(server)
        (made,) = work.glob("*.project")
        target = HERE / "openrefine_projects" / FOLDER
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(made, target)
        # What OpenRefine would add when it runs next: so it changes nothing as long as nobody opens the project.
        shutil.copy(target / "metadata.json", target / "metadata.old.json")
        # The project must be found by its folder alone: OpenRefine's list of projects is each machine's own.
        shutil.rmtree(work)
        work.mkdir()
        shutil.copytree(target, work / FOLDER)
        server = run(work)
        try:
            url = f"http://127.0.0.1:{PORT}/command/core/"
            projects = json.load(urllib.request.urlopen(url + "get-all-project-metadata"))["projects"]
            number = FOLDER.removesuffix(".project")
            assert projects[number]["name"] == NAME, projects
            answer = json.load(post("apply-operations", {"project": number, "operations": json.dumps(steps())}, {"project": number}))
            assert answer["code"] == "ok", answer
            for _ in range(60):
                waiting = json.load(urllib.request.urlopen(f"{url}get-processes?project={number}"))["processes"]
                if not waiting:
                    break
                time.sleep(0.5)
            history = json.load(urllib.request.urlopen(f"{url}get-operations?project={number}"))
            operations = [entry["operation"] for entry in history["entries"]]
            (HERE / "data/street_reports_history.json").write_text(json.dumps(operations, indent=2, ensure_ascii=False) + "\n")
            fields = {"project": number, "format": "csv", "engine": json.dumps({"facets": [], "mode": "row-based"})}
            exported = post("export-rows/reports.csv", fields).read()
            (HERE / "data/street_reports_cleaned.csv").write_bytes(exported.replace(b"\r\n", b"\n"))
            for entry in history["entries"]:
                print(entry["description"])
        finally:
            end(server)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
