//! The history over months: many small packs become few, old contents go, and nothing that anybody needs is lost,
//! whatever the cloud does in between. The whole engine on a real disk with a clock that goes when told. First tier.

#![allow(clippy::unwrap_used)]

mod compact;
mod growth;
mod prune;
mod world;
