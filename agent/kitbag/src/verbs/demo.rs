//! `demo`: a guided tour in a folder of its own. Two computers and one cloud folder, all on this machine; the commands
//! are the real ones, run as they are printed.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kitbag_core::finding::{Exit, Finding};
use kitbag_engine::EngineError;
use serde_json::Value;

use crate::args::Demo;
use crate::context::{Context, absolute};
use crate::{Outcome, Trouble};

/// The example course, file by file.
const COURSE: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/hello_course.rs"));

const NOTES: &str =
    "# My notes\n\nWeek 1: looked at the books.\n\nWeek 2: (nothing yet)\n\nWeek 3: (nothing yet)\n";

/// Take the tour.
pub fn run(context: &Context, options: &Demo) -> Outcome {
    let (folder, keep) = match &options.folder {
        Some(folder) => (absolute(folder)?, true),
        None => {
            let token = context
                .doors
                .chance
                .token(4)
                .map_err(EngineError::io("cannot name a folder in", "the system"))?;
            (std::env::temp_dir().join(format!("kitbag-demo-{token}")), false)
        }
    };
    std::fs::create_dir(&folder).map_err(EngineError::io("cannot make", &folder))?;
    let tour = Tour { context, folder: folder.clone() };
    let done = tour.walk();
    if keep {
        context
            .printer
            .line(format!("\nEverything of the tour lies in {}.", kitbag_engine::error::show(&folder)));
    } else {
        std::fs::remove_dir_all(&folder).map_err(EngineError::io("cannot remove", &folder))?;
    }
    done.map(|()| Exit::Done)
}

struct Tour<'a> {
    context: &'a Context,
    folder: PathBuf,
}

/// One of the two computers of the tour.
#[derive(Clone, Copy)]
struct Computer {
    name: &'static str,
    folder: &'static str,
}

const HOME: Computer = Computer { name: "HOME-PC", folder: "home-pc" };
const WORK: Computer = Computer { name: "WORK-PC", folder: "work-pc" };

impl Tour<'_> {
    fn walk(&self) -> Result<(), Trouble> {
        self.tell("A student has two computers and a cloud folder. The course is \"Hello, data\".");
        for (name, bytes) in COURSE {
            self.write(&Path::new("hello-course").join(name), bytes)?;
        }
        std::fs::create_dir(self.folder.join("cloud"))
            .map_err(EngineError::io("cannot make", &self.folder))?;

        self.tell("1. At home: join cloud folder and working folder, and bring the course in.");
        self.kitbag(
            HOME,
            &[
                "setup",
                "--course",
                "hello-course",
                "--share",
                "cloud/hello",
                "--work",
                "home-pc/hello",
                "--machine",
                HOME.name,
            ],
            &[0],
        )?;
        self.kitbag(HOME, &["up", "--no-open"], &[0])?;
        self.tell("   The student writes notes and marks a book in the course's database.");
        self.write(&self.notes(HOME), NOTES.as_bytes())?;
        self.database(HOME, "UPDATE books SET title = title || ' (read it!)' WHERE book_id = (SELECT min(book_id) FROM books)")?;
        self.kitbag(HOME, &["done"], &[0])?;

        self.tell("2. At work: the workspace is found in the cloud folder. Notes and database are there.");
        self.kitbag(
            WORK,
            &["setup", "--share", "cloud/hello", "--work", "work-pc/hello", "--machine", WORK.name],
            &[0],
        )?;
        self.kitbag(WORK, &["up", "--no-open"], &[0])?;
        let title = self.title(WORK)?;
        self.tell(&format!("   The book at work is called {title:?}."));
        if !title.ends_with("(read it!)") {
            return Err(broken("the database did not travel"));
        }
        self.kitbag(WORK, &["done"], &[0])?;

        self.tell("3. Both computers are used before they meet: different lines of the same notes.");
        self.edit(HOME, "Week 2: (nothing yet)", "Week 2: cleaned the loans table (at home).")?;
        self.edit(WORK, "Week 3: (nothing yet)", "Week 3: joined books and loans (at work).")?;
        self.kitbag(HOME, &["sync"], &[0])?;
        self.kitbag(WORK, &["sync"], &[0])?;
        self.kitbag(HOME, &["sync"], &[0])?;
        self.show(HOME)?;

        self.tell("4. The same line on both: nothing is overwritten, the student is asked.");
        self.edit(HOME, "Week 1: looked at the books.", "Week 1: looked at the books, they are dusty.")?;
        self.edit(WORK, "Week 1: looked at the books.", "Week 1: looked at the books, 12 have no year.")?;
        self.kitbag(HOME, &["sync"], &[0])?;
        self.kitbag(WORK, &["sync"], &[3])?;
        self.kitbag(WORK, &["conflicts"], &[3])?;
        self.kitbag(WORK, &["resolve", "notes.md", "--keep", "both"], &[0])?;
        self.kitbag(HOME, &["sync"], &[0])?;
        self.show(HOME)?;
        self.kitbag(HOME, &["status"], &[0])?;
        self.tell("That was the main job. Plain copies of all files are in the cloud folder at any time.");
        Ok(())
    }

    fn tell(&self, text: &str) {
        self.context.printer.line(format!("\n{text}"));
    }

    fn notes(&self, at: Computer) -> PathBuf {
        Path::new(at.folder).join("hello/notes.md")
    }

    fn write(&self, file: &Path, bytes: &[u8]) -> Result<(), Trouble> {
        let file = self.folder.join(file);
        let folder = file.parent().unwrap_or(&self.folder);
        std::fs::create_dir_all(folder).map_err(EngineError::io("cannot make", folder))?;
        Ok(std::fs::write(&file, bytes).map_err(EngineError::io("cannot write", &file))?)
    }

    fn edit(&self, at: Computer, from: &str, to: &str) -> Result<(), Trouble> {
        self.context.printer.line(format!("   {}: \"{from}\" becomes \"{to}\"", at.name));
        let file = self.folder.join(self.notes(at));
        let text = std::fs::read_to_string(&file).map_err(EngineError::io("cannot read", &file))?;
        self.write(&self.notes(at), text.replace(from, to).as_bytes())
    }

    fn show(&self, at: Computer) -> Result<(), Trouble> {
        let file = self.folder.join(self.notes(at));
        let text = std::fs::read_to_string(&file).map_err(EngineError::io("cannot read", &file))?;
        self.context.printer.line(format!("   notes.md on {} now:", at.name));
        text.lines().for_each(|line| self.context.printer.line(format!("     | {line}")));
        Ok(())
    }

    fn command(&self, at: Computer, args: &[&str]) -> Result<Command, Trouble> {
        let program = std::env::current_exe().map_err(EngineError::io("cannot find", "this program"))?;
        let mut command = Command::new(program);
        command.args(args).current_dir(&self.folder).stdin(Stdio::null());
        // nothing of the tour stays when it is over
        command.args(["--config", "agent.start=false"]);
        command.env("KITBAG_HOME", self.folder.join(at.folder).join("state"));
        Ok(command)
    }

    /// Print a command, run it, print what it said.
    fn kitbag(&self, at: Computer, args: &[&str], expected: &[i32]) -> Result<(), Trouble> {
        self.context.printer.line(format!("{} $ kitbag {}", at.name, args.join(" ")));
        let ran = self.command(at, args)?.output().map_err(EngineError::io("cannot run", "kitbag"))?;
        for line in
            String::from_utf8_lossy(&ran.stdout).lines().chain(String::from_utf8_lossy(&ran.stderr).lines())
        {
            self.context.printer.line(format!("   {line}"));
        }
        std::io::stdout().flush().ok();
        match ran.status.code() {
            Some(code) if expected.contains(&code) => Ok(()),
            code => Err(broken(&format!("`kitbag {}` ended with {code:?}", args.join(" ")))),
        }
    }

    fn open_database(&self, at: Computer) -> Result<rusqlite::Connection, Trouble> {
        let ran = self
            .command(at, &["status", "--json"])?
            .output()
            .map_err(EngineError::io("cannot run", "kitbag"))?;
        let status: Value = serde_json::from_slice(&ran.stdout).map_err(|e| broken(&e.to_string()))?;
        let services = status["environment"]["services"].as_array();
        let url = services
            .into_iter()
            .flatten()
            .find(|one| one["kind"] == "sqlite")
            .and_then(|one| one["url"].as_str());
        let file =
            url.and_then(|url| url.strip_prefix("sqlite:")).ok_or_else(|| broken("no database is shown"))?;
        rusqlite::Connection::open(file).map_err(|e| broken(&e.to_string()))
    }

    fn database(&self, at: Computer, sql: &str) -> Result<(), Trouble> {
        self.context.printer.line(format!("   {}: {sql}", at.name));
        self.open_database(at)?.execute(sql, []).map(|_| ()).map_err(|e| broken(&e.to_string()))
    }

    fn title(&self, at: Computer) -> Result<String, Trouble> {
        let sql = "SELECT title FROM books ORDER BY book_id LIMIT 1";
        self.open_database(at)?.query_row(sql, [], |row| row.get(0)).map_err(|e| broken(&e.to_string()))
    }
}

fn broken(why: &str) -> Trouble {
    let remedy = "Please report this with the lines above; the tour touched nothing but its own folder.";
    Finding::new("the tour could not go on", why, remedy).into()
}
