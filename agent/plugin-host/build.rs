//! Builds the official plugins to components, with the same cargo and the same lock file, in a target folder of
//! their own: sharing the outer one would wait for a lock that this very build holds.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const TARGET: &str = "wasm32-wasip2";
/// The packages of the official plugins, and the files cargo makes of them.
const PLUGINS: [(&str, &str); 2] = [
    ("kitbag-plugin-local", "kitbag_plugin_local.wasm"),
    ("kitbag-plugin-docker", "kitbag_plugin_docker.wasm"),
];
/// Flags and wrappers meant for the outer build; with them the plugin would be built for coverage, sanitised,
/// for another target, or wait for the outer build's job slots.
const CLEARED: [&str; 14] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
    "RUSTDOCFLAGS",
    "MAKEFLAGS",
    "MFLAGS",
    "CARGO_MAKEFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET_DIR",
    "CLIPPY_ARGS",
];

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            #[allow(clippy::print_stderr)]
            {
                eprintln!("{message}");
            }
            ExitCode::FAILURE
        }
    }
}

fn variable(name: &str) -> Result<PathBuf, String> {
    env::var_os(name).map(PathBuf::from).ok_or_else(|| format!("cargo did not set {name}"))
}

fn build() -> Result<(), String> {
    let root = variable("CARGO_MANIFEST_DIR")?.join("../..");
    let out = variable("OUT_DIR")?;
    for path in ["plugins", "sdk", "wit", "Cargo.lock", "Cargo.toml"] {
        tell_cargo("rerun-if-changed", &root.join(path));
    }
    let target = out.join("plugins");
    let mut cargo = Command::new(variable("CARGO")?);
    cargo
        .current_dir(&root)
        .args(["build", "--quiet", "--locked", "--lib"])
        .args(PLUGINS.iter().flat_map(|(package, _)| ["--package", package]))
        .args(["--profile", "plugin", "--target", TARGET, "--target-dir"])
        .arg(&target);
    for name in CLEARED {
        cargo.env_remove(name);
    }
    // CARGO_PROFILE_* and CARGO_FEATURE_* of the outer build are not ours either.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PROFILE_")
            || text.starts_with("CARGO_FEATURE_")
            || text.starts_with("CARGO_CFG_")
        {
            cargo.env_remove(&name);
        }
    }
    let built = cargo
        .output()
        .map_err(|error| format!("cargo could not be started to build the plugins: {error}"))?;
    if !built.status.success() {
        let said = String::from_utf8_lossy(&built.stderr);
        let hint = if said.contains("target may not be installed")
            || said.contains("can't find crate for `std`")
        {
            format!(
                "\nThe bundled plugins are WebAssembly. Install the target once:\n    rustup target add {TARGET}\n"
            )
        } else {
            String::new()
        };
        return Err(format!("The bundled plugins could not be built.\n{hint}\n{said}"));
    }
    for (_, file) in PLUGINS {
        let made = target.join(TARGET).join("plugin").join(file);
        std::fs::copy(&made, out.join(file)).map_err(|error| format!("{}: {error}", made.display()))?;
    }
    Ok(())
}

fn tell_cargo(what: &str, path: &Path) {
    #[allow(clippy::print_stdout)]
    {
        println!("cargo::{what}={}", path.display());
    }
}
