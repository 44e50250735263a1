//! What a person takes away: one folder with their files, what the databases held, the environment and how to start it
//! where there is no kitbag. The backend says what the environment is made of ([`Export`]), as data; from it the files
//! of the folder are written here: a compose file, start and stop scripts, a README. No word of a backend, a course or
//! a file name gets into a script unquoted.

mod cmd;
mod compose;
mod export;
mod readme;
mod sh;
mod steps;

pub use cmd::{start as start_cmd, stop as stop_cmd};
pub use compose::compose;
pub use export::{BadExport, Build, Container, Export, Health, Mount, Need, Page, Port, Program, Source};
pub use readme::{About, readme};
pub use sh::{start as start_sh, stop as stop_sh};

/// A database of the course and how its dump is brought in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// The service's name.
    pub service: String,
    /// For people.
    pub title: String,
    /// What kind of database it is, such as `postgresql`.
    pub kind: String,
    /// Whether its dump lies at [`crate::course::backup_path`] below `work`.
    pub dumped: bool,
    /// Whether it is a server inside the environment; else it is a file of SQLite.
    pub server: bool,
    /// Ends with 0 when it answers.
    pub ready: Vec<String>,
    /// Reads a dump.
    pub restore: Vec<String>,
    /// Writes a dump.
    pub dump: Vec<String>,
}

/// What is put into the folder, as far as scripts need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pack {
    /// The course's id: lower-case letters, digits and hyphens. Begins the names of all that is made.
    pub name: String,
    /// For people, one line.
    pub title: String,
    /// What the environment is made of.
    pub export: Export,
    /// The file with the images; none where they could not be had.
    pub images: Option<String>,
    /// The databases, in the course's order.
    pub databases: Vec<Database>,
}

impl Pack {
    /// The name of one thing of it on an engine.
    fn part(&self, name: &str) -> String {
        format!("{}-takeaway-{name}", self.name)
    }

    /// Where the dump of a service lies below the folder.
    fn dump(service: &str) -> String {
        format!("work/backups/{service}/{service}.dump")
    }

    /// The databases whose dump can be brought into a container.
    fn restored(&self) -> impl Iterator<Item = (&Database, &str)> {
        self.databases
            .iter()
            .filter(|one| one.server && one.dumped)
            .filter_map(|one| Some((one, self.export.services.get(&one.service)?.as_str())))
    }
}

/// The variable by which the outer port of a service can be chosen.
fn port_variable(service: &str) -> String {
    format!("PORT_{}", service.to_ascii_uppercase().replace('-', "_"))
}

#[cfg(test)]
mod tests;
