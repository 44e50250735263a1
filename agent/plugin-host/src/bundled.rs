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

/// The manifest in a folder of `plugins`, and what the build script made of it.
macro_rules! official {
    ($id:literal) => {
        (
            $id,
            Bundled {
                manifest: include_str!(concat!("../../../plugins/", $id, "/plugin.toml")),
                component: include_bytes!(concat!(env!("OUT_DIR"), "/kitbag_plugin_", $id, ".wasm")),
            },
        )
    };
}

/// Every official plugin, by id; first the one that runs what says nothing.
pub fn bundled() -> &'static [(&'static str, Bundled)] {
    &[official!("local"), official!("docker")]
}
