"""The notebook server's settings. The token is not here: it comes by the environment (JUPYTER_TOKEN)."""

import os

c = get_config()  # noqa: F821  Jupyter puts it there.

if work := os.environ.get("COURSE_WORK"):
    c.ServerApp.root_dir = work

# OpenRefine, behind the notebook server's own log-in. In one container it is started when first asked for; in
# linked containers it runs already, and socat carries the bytes there, so its address is the same in both.
elsewhere = os.environ.get("COURSE_REFINE")
if elsewhere:
    command = ["socat", "TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork", f"TCP:{elsewhere}"]
else:
    command = [os.environ.get("COURSE_REFINE_START", "refine"), "{port}", "127.0.0.1"]
c.ServerProxy.servers = {
    "openrefine": {
        "command": command,
        "timeout": 120,
        "new_browser_tab": True,
        "launcher_entry": {"title": "OpenRefine"},
    }
}
