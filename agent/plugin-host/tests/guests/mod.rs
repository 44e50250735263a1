//! Hostile plugins, written as text: a core module whose functions all give up, but for those a test writes
//! itself, made a component of our interface by the same tool that makes the honest ones.

#![allow(dead_code)]

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

pub const BACKEND: &str = "id = \"hostile\"\nversion = \"0.1.0\"\ntitle = \"Hostile\"\npublisher = \"nobody\"\n\
    wit = \"kitbag:plugin@0.1.0-dev\"\nworld = \"backend\"\n";
pub const PROCESS: &str = "[[capability]]\nname = \"process\"\nreason = \"To be hostile.\"\n";
pub const STATE: &str = "[[capability]]\nname = \"state\"\nreason = \"To be hostile.\"\n";

/// Name and core signature of every function of world `backend`.
const EXPORTS: [(&str, &str); 22] = [
    ("meta@0.1.0-dev#describe", ""),
    ("environment@0.1.0-dev#probe", ""),
    ("environment@0.1.0-dev#plan", "i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32"),
    ("environment@0.1.0-dev#create", "i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32"),
    ("environment@0.1.0-dev#start", "i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32"),
    ("environment@0.1.0-dev#wait-ready", "i32 i32 i32 i32 i32 i32 i64"),
    ("environment@0.1.0-dev#stop", "i32 i32 i32 i32 i32 i32 i64"),
    ("environment@0.1.0-dev#destroy", "i32 i32 i32 i32 i32 i32"),
    ("environment@0.1.0-dev#status", "i32 i32 i32 i32 i32 i32"),
    ("environment@0.1.0-dev#list-owned", ""),
    ("environment@0.1.0-dev#endpoints", "i32 i32 i32 i32 i32 i32"),
    ("environment@0.1.0-dev#data-stamp", "i32 i32 i32 i32 i32 i32"),
    ("environment@0.1.0-dev#exec-in", "i32"),
    ("environment@0.1.0-dev#describe-export", "i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32"),
    ("environment@0.1.0-dev#export-images", "i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32"),
    ("transfer@0.1.0-dev#put", "i32 i32 i32 i32 i32 i32 i32 i32 i32"),
    ("transfer@0.1.0-dev#get", "i32 i32 i32 i32 i32 i32 i32 i32 i32"),
    ("snapshot@0.1.0-dev#take", "i32 i32 i32 i32 i32 i32 i32 i32"),
    ("snapshot@0.1.0-dev#restore", "i32 i32 i32 i32 i32 i32 i32 i32"),
    ("snapshot@0.1.0-dev#list", "i32 i32 i32 i32 i32 i32"),
    ("snapshot@0.1.0-dev#remove", "i32 i32 i32 i32 i32 i32 i32 i32"),
    ("log-source@0.1.0-dev#read", "i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32"),
];

/// What a hostile plugin is made of. Every part is WebAssembly text.
#[derive(Clone, Copy, Default)]
pub struct Parts<'a> {
    /// `(import …)`s.
    pub imports: &'a str,
    /// Memory contents, tables, functions, globals.
    pub fields: &'a str,
    /// The end of a function's name, such as `#probe`, and its body.
    pub bodies: &'a [(&'a str, &'a str)],
    /// A package with a world `hostile` to be built for instead of our `backend`.
    pub package: &'a str,
}

/// A component of world `backend`. It says it is "hostile" 0.1.0 unless a body says otherwise; memory below 64
/// is that answer's, a zeroed block of 64 bytes lies at 64 (as a result: ok, with nothing in it).
pub fn backend(parts: Parts<'_>) -> Vec<u8> {
    let mut text = format!(
        "(module {} (memory (export \"memory\") 1)
        (data (i32.const 0) \"\\18\\00\\00\\00\\07\\00\\00\\00\\20\\00\\00\\00\\05\\00\\00\\00\\18\\00\\00\\00\\07\\00\\00\\00hostile\\000.1.0\")
        (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) i32.const 1024) {}",
        parts.imports, parts.fields
    );
    for (name, params) in EXPORTS {
        let own = parts.bodies.iter().find(|(end, _)| name.ends_with(end)).map(|(_, body)| *body);
        let body = own.unwrap_or(if name.ends_with("describe") { "i32.const 0" } else { "unreachable" });
        text.push_str(&format!(
            "(func (export \"kitbag:plugin/{name}\") (param {params}) (result i32) {body})\n"
        ));
    }
    text.push(')');
    component(if parts.package.is_empty() { "backend" } else { "hostile" }, parts.package, &text)
}

/// A component of this world, which lies in our package or in the one given as text.
pub fn component(world: &str, package: &str, module: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (mut main, _) = resolve.push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/v0.1")).unwrap();
    if !package.is_empty() {
        main = resolve.push_str("package.wit", package).unwrap();
    }
    let world = resolve.select_world(&[main], Some(world)).unwrap();
    let mut module = wat::parse_str(module).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}
