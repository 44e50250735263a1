//! Where kitbag keeps things: packs, the immutable files of the sidecar, and the ledger, this machine's
//! database. A pack is built from records and compressed pieces and read back as hostile bytes; the ledger
//! remembers which packs, records and paths there are and which of the records count. `Contents` puts the two
//! together: give it a content's name and it finds the pieces, wherever they lie, and checks every byte.
//! Nothing here opens a file of the share: reading goes through `Shelf` and `Loose`, which the engine fills in.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod contents;
pub mod cut;
pub mod error;
pub mod ledger;
pub mod pack;
pub mod shelf;

pub use contents::{ContentError, Contents};
pub use cut::{Cut, cut};
pub use error::StoreError;
pub use ledger::Ledger;
pub use pack::{
    BadPack, Builder, Compressed, LARGEST, Pack, Package, Packed, TARGET, Unfit, compress, compress_as, read,
};
pub use shelf::{Loose, MemoryLoose, MemoryShelf, Shelf};
