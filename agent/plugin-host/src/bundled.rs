//! The official plugins, which lie in the program itself: manifest and component, built by this crate's build
//! script. They go through the same door as everybody's.

/// One official plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bundled {
    /// Its `plugin.toml`.
    pub manifest: &'static str,
    /// Its component.
    pub component: &'static [u8],
}

/// Every official plugin, by id.
pub fn bundled() -> &'static [(&'static str, Bundled)] {
    &[(
        "local",
        Bundled {
            manifest: include_str!("../../../plugins/local/plugin.toml"),
            component: include_bytes!(concat!(env!("OUT_DIR"), "/kitbag_plugin_local.wasm")),
        },
    )]
}
