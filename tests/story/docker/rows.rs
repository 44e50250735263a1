//! A course with PostgreSQL alone, the rows a student ever added to it, and a small image for an engine that has nothing:
//! the same server and the same scripts as the reference course's, with few rows of its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::lab::{COURSE_IMAGE, Docked, docker};
use crate::databases::MANIFEST;
use crate::machine::write;

/// What the small image is made of: the server, a shell and what the course's scripts call, with the libraries of all
/// of them, and a table in place of the course's own. Run inside the course's image; gives an archive.
const PACK: &str = r#"
set -eu
cd /
tools="bash sh cat chmod chown cp date dirname basename du echo env false find flock grep head id install kill ls mkdir mv
  od pgrep pkill rm runuser sed setpriv sleep sort stat tail tini touch tr true wc"
programs=$(for tool in $tools; do readlink -f "$(command -v "$tool")"; printf '/usr/bin/%s\n' "$tool"; done | sort -u)
server=$(find /usr/lib/postgresql -type f \( -path '*/bin/*' -o -path '*/lib/*.so' \) ! -name '*llvm*')
libraries=$(ldd $programs $server /usr/lib/*/security/*.so 2>/dev/null | grep -o '/[^ ]*\.so[^ ]*' | sort -u | while read -r one; do
  readlink -f "$one"; printf '/usr%s\n' "${one#/usr}"; done | sort -u)
rm -rf opt/course/database
mkdir opt/course/database
cat >opt/course/database/seed.sql <<'SQL'
CREATE SCHEMA city;
CREATE TABLE city.counts AS SELECT n AS id, md5(n::text) AS value FROM generate_series(1, 1000) n;
SQL
for one in $programs $libraries; do [ -e "$one" ] && printf '%s\n' "${one#/}"; done >tmp/list
exec tar -c --exclude=bitcode --exclude='*llvm*' --no-recursion bin sbin lib lib64 usr usr/lib64 home home/student \
  home/student/work proc sys dev root run srv srv/course tmp var var/tmp -T tmp/list --recursion etc usr/lib/postgresql \
  usr/lib/locale/C.utf8 usr/lib/*/security usr/share/postgresql usr/share/zoneinfo opt/course/binder opt/course/database
"#;

/// The small image on an engine, with PostgreSQL as the reference course has it. That image has to be on this computer's
/// engine.
#[track_caller]
pub fn small_database(host: &str) -> String {
    let image = "kitbag-story-postgres:2".to_owned();
    if docker(Some(host), &["image", "inspect", &image]).is_ok() {
        return image;
    }
    let mut packing = Command::new("docker")
        .args(["run", "--rm", "--network", "none", "--entrypoint", "bash", COURSE_IMAGE, "-c", PACK])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut import = Command::new("docker");
    import.args(["-H", host, "import"]);
    let (server, user) = ("/usr/lib/postgresql/15/bin", "PGUSER=student PGDATABASE=aldermouth");
    for change in [
        &format!("ENV PATH={server}:/usr/sbin:/usr/bin LANG=C.UTF-8 PGHOST=/tmp/course {user}"),
        "ENV COURSE_WORK=/home/student/work COURSE_STATE=/srv/course COURSE_SOCKET=/tmp/course COURSE_PARTS=database",
        "ENTRYPOINT [\"tini\", \"--\", \"/opt/course/binder/start\"]",
        "CMD [\"sleep\", \"infinity\"]",
        "WORKDIR /home/student/work",
    ] {
        import.args(["--change", change]);
    }
    let made = import.args(["-", &image]).stdin(packing.stdout.take().unwrap()).output().unwrap();
    assert!(packing.wait().unwrap().success() && made.status.success(), "{made:?}");
    image
}

/// A course with PostgreSQL alone, by this image; each command of its database may take so long.
pub fn rows_course(folder: &Path, image: &str, seconds: u32) {
    let manifest = MANIFEST
        .replace(COURSE_IMAGE, image)
        .replace("timeout_seconds = 300", &format!("timeout_seconds = {seconds}"));
    write(&folder.join("course.toml"), manifest);
    write(&folder.join("notes/week1.md"), "# Week 1\n");
}

/// What the database answers to a statement; why it does not, where it does not.
pub fn ask(machine: &Docked, statement: &str) -> Result<String, String> {
    let psql = ["psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-c", statement];
    let args: Vec<&str> = ["exec", "postgres", "--"].into_iter().chain(psql).collect();
    let output = machine.command(&args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// Every row that was ever added.
#[derive(Default)]
pub struct Rows {
    written: BTreeSet<String>,
}

impl Rows {
    /// The table, and the first row.
    #[track_caller]
    pub fn begin(at: &Docked) -> Self {
        ask(at, "CREATE TABLE marks (mark text PRIMARY KEY)").unwrap();
        let mut rows = Rows::default();
        rows.add(at);
        rows
    }

    /// One more.
    #[track_caller]
    pub fn add(&mut self, at: &Docked) {
        let mark = format!("{:03} on {}", self.written.len(), at.name);
        ask(at, &format!("INSERT INTO marks VALUES ('{mark}')")).unwrap();
        self.written.insert(mark);
    }

    /// They are all there, and no others.
    #[track_caller]
    pub fn all_on(&self, at: &Docked, say: &str) {
        let there =
            ask(at, "SELECT mark FROM marks ORDER BY mark").unwrap_or_else(|error| panic!("{say}: {error}"));
        let there: BTreeSet<String> = there.lines().map(str::to_owned).collect();
        assert_eq!(there, self.written, "{say}");
    }
}

/// Where a machine's dumps lie while they are made and brought in.
pub fn dumps(machine: &Docked) -> PathBuf {
    let workspace = fs::read_dir(machine.home.join("workspaces")).unwrap().next().unwrap().unwrap();
    workspace.path().join("environment/dumps")
}

/// What lies there.
pub fn left_dumps(machine: &Docked) -> Vec<String> {
    let Ok(items) = fs::read_dir(dumps(machine)) else { return Vec::new() };
    items.map(|item| item.unwrap().file_name().into_string().unwrap()).collect()
}
