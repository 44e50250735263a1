//! Where things lie on this computer: the home folder, local application data for machine state, the default
//! for working folders, and what the provider table needs to know. Also which folders are never taken as a
//! working folder or share, because everything a person has lies in them.

use std::path::{Path, PathBuf};

use kitbag_core::provider::Registry;

/// Which kind of system this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Linux and other Unix systems.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

/// Why a folder is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooBroad {
    /// `/`, `C:\` or the top of a network drive.
    #[error("it is the top of a drive")]
    Top,
    /// The home folder or one above it.
    #[error("it holds everything of yours")]
    Home,
    /// Not an absolute path.
    #[error("it is not a full path")]
    Relative,
}

/// The folders of the person on this computer.
pub trait Places: Send + Sync {
    /// Which kind of system this is.
    fn system(&self) -> System;

    /// The home folder; none when the system does not say.
    fn home(&self) -> Option<PathBuf>;

    /// Application data that stays on this computer.
    fn local_data(&self) -> Option<PathBuf>;

    /// Windows: application data that follows the person. None elsewhere.
    fn roaming_data(&self) -> Option<PathBuf>;

    /// Windows: the value of an environment variable that names a folder. None elsewhere: there such variables are
    /// nobody's custom.
    fn folder_variable(&self, name: &str) -> Option<PathBuf>;

    /// Windows: texts in the registry, with the name of the sub-key each stands in. Empty elsewhere, and where the
    /// key is not there.
    fn registry(&self, place: &Registry) -> Vec<(String, String)>;

    /// Windows: the tops of the drives that answer at once. Empty elsewhere.
    fn drives(&self) -> Vec<PathBuf>;

    /// The default state root of this machine: local, never roaming, never in a cloud folder.
    fn state_root(&self) -> Option<PathBuf> {
        self.local_data().map(|data| data.join("kitbag"))
    }

    /// The default folder in which each course gets its working folder.
    fn work_parent(&self) -> Option<PathBuf> {
        self.home().map(|home| home.join("kitbag"))
    }

    /// Whether a folder is too much to be a working folder or a share. Give it the canonical path.
    ///
    /// # Errors
    /// Says why it is refused.
    fn check(&self, folder: &Path) -> Result<(), TooBroad> {
        if !folder.is_absolute() && !folder.has_root() {
            return Err(TooBroad::Relative);
        }
        if folder.parent().is_none() {
            return Err(TooBroad::Top);
        }
        match self.home() {
            Some(home) if home.starts_with(folder) => Err(TooBroad::Home),
            _ => Ok(()),
        }
    }
}

/// The places of the person kitbag runs for.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealPlaces;

impl Places for RealPlaces {
    fn system(&self) -> System {
        if cfg!(windows) {
            System::Windows
        } else if cfg!(target_os = "macos") {
            System::MacOs
        } else {
            System::Linux
        }
    }

    /// `HOME` on Unix, `USERPROFILE` on Windows, else what the system's list of people says.
    fn home(&self) -> Option<PathBuf> {
        etcetera::home_dir().ok().filter(|home| home.is_absolute())
    }

    fn local_data(&self) -> Option<PathBuf> {
        real::local_data().filter(|data| data.is_absolute())
    }

    fn roaming_data(&self) -> Option<PathBuf> {
        real::roaming_data().filter(|data| data.is_absolute())
    }

    fn folder_variable(&self, name: &str) -> Option<PathBuf> {
        let value = if cfg!(windows) { std::env::var_os(name) } else { None };
        value.map(PathBuf::from).filter(|folder| folder.is_absolute())
    }

    fn registry(&self, place: &Registry) -> Vec<(String, String)> {
        real::registry(place)
    }

    fn drives(&self) -> Vec<PathBuf> {
        real::drives()
    }
}

#[cfg(unix)]
mod real {
    //! Unix: `XDG_DATA_HOME` or its default on Linux, `~/Library/Application Support` on macOS.
    use std::path::PathBuf;

    #[cfg(target_os = "macos")]
    use etcetera::base_strategy::Apple as Strategy;
    use etcetera::base_strategy::BaseStrategy;
    #[cfg(not(target_os = "macos"))]
    use etcetera::base_strategy::Xdg as Strategy;

    pub(super) fn local_data() -> Option<PathBuf> {
        Strategy::new().ok().map(|places| places.data_dir())
    }

    pub(super) fn roaming_data() -> Option<PathBuf> {
        None
    }

    pub(super) fn registry(_: &super::Registry) -> Vec<(String, String)> {
        Vec::new()
    }

    pub(super) fn drives() -> Vec<PathBuf> {
        Vec::new()
    }
}

#[cfg(windows)]
#[path = "places_windows.rs"]
mod real;

/// Places as a test wants them.
#[derive(Debug, Clone)]
pub struct SimulatedPlaces {
    /// See [`Places::system`].
    pub system: System,
    /// See [`Places::home`].
    pub home: PathBuf,
    /// See [`Places::local_data`].
    pub local_data: PathBuf,
    /// See [`Places::roaming_data`].
    pub roaming_data: Option<PathBuf>,
    /// See [`Places::folder_variable`].
    pub variables: Vec<(String, PathBuf)>,
    /// See [`Places::registry`]: key (with what is further down in each sub-key), sub-key, value's name, text.
    pub registry: Vec<(String, String, String, String)>,
    /// See [`Places::drives`].
    pub drives: Vec<PathBuf>,
}

impl SimulatedPlaces {
    /// A Linux person with this home folder.
    pub fn new(home: &Path) -> Self {
        SimulatedPlaces {
            system: System::Linux,
            home: home.to_owned(),
            local_data: home.join(".local/share"),
            roaming_data: None,
            variables: Vec::new(),
            registry: Vec::new(),
            drives: Vec::new(),
        }
    }
}

impl Places for SimulatedPlaces {
    fn system(&self) -> System {
        self.system
    }

    fn home(&self) -> Option<PathBuf> {
        Some(self.home.clone())
    }

    fn local_data(&self) -> Option<PathBuf> {
        Some(self.local_data.clone())
    }

    fn roaming_data(&self) -> Option<PathBuf> {
        self.roaming_data.clone()
    }

    fn folder_variable(&self, name: &str) -> Option<PathBuf> {
        self.variables.iter().find(|(set, _)| set == name).map(|(_, folder)| folder.clone())
    }

    fn registry(&self, place: &Registry) -> Vec<(String, String)> {
        let key = if place.below.is_empty() {
            place.key.to_owned()
        } else {
            format!("{}\\*\\{}", place.key, place.below)
        };
        let there = self.registry.iter().filter(|(at, each, value, _)| {
            *at == key && each.starts_with(place.each) && (place.value.is_empty() || place.value == value)
        });
        there.map(|(_, each, _, text)| (each.clone(), text.clone())).collect()
    }

    fn drives(&self) -> Vec<PathBuf> {
        self.drives.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_lie_in_home_and_local_data() {
        let places = SimulatedPlaces::new(Path::new("/home/ada"));
        assert_eq!(places.state_root(), Some("/home/ada/.local/share/kitbag".into()));
        assert_eq!(places.work_parent(), Some("/home/ada/kitbag".into()));
    }

    #[test]
    fn what_holds_everything_is_refused() {
        let places = SimulatedPlaces::new(Path::new("/home/ada"));
        let check = |path: &str| places.check(Path::new(path));
        assert_eq!(check("/"), Err(TooBroad::Top));
        assert_eq!(check("/home"), Err(TooBroad::Home));
        assert_eq!(check("/home/ada"), Err(TooBroad::Home));
        assert_eq!(check("work"), Err(TooBroad::Relative));
        for fine in ["/home/ada/kitbag", "/home/adam", "/media/stick/course"] {
            assert_eq!(check(fine), Ok(()), "{fine}");
        }
    }

    #[test]
    fn this_computer_has_a_home() {
        let home = RealPlaces.home().unwrap();
        assert!(home.is_absolute());
        assert!(RealPlaces.state_root().unwrap().ends_with("kitbag"));
        assert_eq!(RealPlaces.check(&home), Err(TooBroad::Home));
        assert_eq!(RealPlaces.roaming_data().is_some(), cfg!(windows));
    }
}
