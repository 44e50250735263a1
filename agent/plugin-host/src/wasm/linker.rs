//! What exists for a plugin. Of WASI only what the standard library of a language asks for on its way up: no
//! sockets, no HTTP but to the container engine and that only where asked for, a file system without a single folder, an empty environment, silent standard streams.
//! Of our own interface what the world has.

use wasmtime::Engine;
use wasmtime::component::{Component, HasData, HasSelf, InstancePre, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, io, random};
use wasmtime_wasi::random::WasiRandom;

use super::bindings::backend::kitbag::plugin;
use super::check::SOCKETS;
use super::guest::Guest;
use crate::error::PluginError;
use crate::text;

/// One linker a world.
pub struct Linkers {
    pub backend: Linker<Guest>,
    pub course: Linker<Guest>,
}

impl Linkers {
    /// Link both worlds.
    pub fn new(engine: &Engine) -> Result<Self, PluginError> {
        let make = || -> wasmtime::Result<Self> {
            let mut backend = Linker::new(engine);
            wasi(&mut backend)?;
            plugin::types::add_to_linker::<Guest, HasSelf<Guest>>(&mut backend, |guest| guest)?;
            plugin::log::add_to_linker::<Guest, HasSelf<Guest>>(&mut backend, |guest| guest)?;
            plugin::progress::add_to_linker::<Guest, HasSelf<Guest>>(&mut backend, |guest| guest)?;
            plugin::machine::add_to_linker::<Guest, HasSelf<Guest>>(&mut backend, |guest| guest)?;
            plugin::state::add_to_linker::<Guest, HasSelf<Guest>>(&mut backend, |guest| guest)?;
            plugin::streams::add_to_linker::<Guest, HasSelf<Guest>>(&mut backend, |guest| guest)?;
            plugin::process::add_to_linker::<Guest, HasSelf<Guest>>(&mut backend, |guest| guest)?;
            plugin::files::add_to_linker::<Guest, HasSelf<Guest>>(&mut backend, |guest| guest)?;
            plugin::lines::add_to_linker::<Guest, HasSelf<Guest>>(&mut backend, |guest| guest)?;
            plugin::engine::add_to_linker::<Guest, HasSelf<Guest>>(&mut backend, |guest| guest)?;
            wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut backend)?;
            let mut course = Linker::new(engine);
            wasi(&mut course)?;
            plugin::types::add_to_linker::<Guest, HasSelf<Guest>>(&mut course, |guest| guest)?;
            plugin::log::add_to_linker::<Guest, HasSelf<Guest>>(&mut course, |guest| guest)?;
            plugin::progress::add_to_linker::<Guest, HasSelf<Guest>>(&mut course, |guest| guest)?;
            plugin::machine::add_to_linker::<Guest, HasSelf<Guest>>(&mut course, |guest| guest)?;
            Ok(Self { backend, course })
        };
        make().map_err(|error| PluginError::Host(format!("{error:#}")))
    }
}

/// Type-check a component against a linker.
pub fn link(linker: &Linker<Guest>, component: &Component) -> Result<InstancePre<Guest>, PluginError> {
    let named =
        component.component_type().imports(component.engine()).any(|(name, _)| name.starts_with(SOCKETS));
    let linked = if named {
        let mut linker = linker.clone();
        linker.define_unknown_imports_as_traps(component).and_then(|()| linker.instantiate_pre(component))
    } else {
        linker.instantiate_pre(component)
    };
    linked.map_err(|error| PluginError::NotAPlugin(text::lines(&format!("{error:#}"))))
}

/// `wasi:io` works on the table alone.
struct WasiIo;

impl HasData for WasiIo {
    type Data<'a> = &'a mut ResourceTable;
}

fn wasi(to: &mut Linker<Guest>) -> wasmtime::Result<()> {
    io::error::add_to_linker::<Guest, WasiIo>(to, |guest| &mut guest.table)?;
    io::poll::add_to_linker::<Guest, WasiIo>(to, |guest| &mut guest.table)?;
    io::streams::add_to_linker::<Guest, WasiIo>(to, |guest| &mut guest.table)?;
    clocks::wall_clock::add_to_linker::<Guest, WasiClocks>(to, Guest::clocks)?;
    clocks::monotonic_clock::add_to_linker::<Guest, WasiClocks>(to, Guest::clocks)?;
    random::random::add_to_linker::<Guest, WasiRandom>(to, |guest| guest.wasi.random())?;
    random::insecure::add_to_linker::<Guest, WasiRandom>(to, |guest| guest.wasi.random())?;
    random::insecure_seed::add_to_linker::<Guest, WasiRandom>(to, |guest| guest.wasi.random())?;
    filesystem::preopens::add_to_linker::<Guest, WasiFilesystem>(to, Guest::filesystem)?;
    filesystem::types::add_to_linker::<Guest, WasiFilesystem>(to, Guest::filesystem)?;
    cli::exit::add_to_linker::<Guest, WasiCli>(to, Guest::cli)?;
    cli::environment::add_to_linker::<Guest, WasiCli>(to, Guest::cli)?;
    cli::stdin::add_to_linker::<Guest, WasiCli>(to, Guest::cli)?;
    cli::stdout::add_to_linker::<Guest, WasiCli>(to, Guest::cli)?;
    cli::stderr::add_to_linker::<Guest, WasiCli>(to, Guest::cli)?;
    cli::terminal_input::add_to_linker::<Guest, WasiCli>(to, Guest::cli)?;
    cli::terminal_output::add_to_linker::<Guest, WasiCli>(to, Guest::cli)?;
    cli::terminal_stdin::add_to_linker::<Guest, WasiCli>(to, Guest::cli)?;
    cli::terminal_stdout::add_to_linker::<Guest, WasiCli>(to, Guest::cli)?;
    cli::terminal_stderr::add_to_linker::<Guest, WasiCli>(to, Guest::cli)
}
