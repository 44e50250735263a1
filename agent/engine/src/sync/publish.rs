//! Records and contents go into packs, and packs onto the shelf in the share. A pack is durable before the ledger
//! hears of it, and the ledger has heard of it before anything is overwritten.

use std::collections::BTreeSet;
use std::io::Read;

use kitbag_core::id::{ContentId, PackId, PieceId};
use kitbag_core::version::{Label, Record};
use kitbag_store::ledger::Unpacked;
use kitbag_store::pack::{PieceAt, Unfit};
use kitbag_store::{Builder, Compressed, Ledger, Pack, Shelf, compress_as, cut, read};

use crate::error::EngineError;
use crate::share::Share;
use crate::workspace::Workspace;

/// Collects what one batch publishes.
pub struct Publisher<'a> {
    ledger: &'a Ledger,
    share: &'a Share,
    label: Label,
    builder: Builder,
    written: Vec<(PackId, Pack, u64)>,
    units: Vec<(ContentId, Vec<ContentId>)>,
}

impl<'a> Publisher<'a> {
    /// Nothing in it yet. The label names this machine and the time.
    pub fn new(ledger: &'a Ledger, share: &'a Share, label: Label) -> Self {
        Publisher { ledger, share, label, builder: Builder::new(), written: Vec::new(), units: Vec::new() }
    }

    /// For what this machine publishes now.
    pub fn for_machine(ws: &'a Workspace, share: &'a Share) -> Self {
        let label = Label::new(ws.settings.machine.as_str(), ws.doors.clock.rfc3339());
        Publisher::new(&ws.ledger, share, label)
    }

    /// Add a content of one piece, compressed already.
    ///
    /// # Errors
    /// A full pack cannot be written.
    pub fn piece(&mut self, piece: Compressed) -> Result<(), EngineError> {
        if self.builder.is_full() {
            self.flush()?;
        }
        match self.builder.piece(piece.clone()) {
            Err(Unfit::NoRoom) => {
                self.flush()?;
                self.fits(|builder| builder.piece(piece))
            }
            other => unfit(other),
        }
    }

    /// Cut a content and add the pieces the share lacks; the id of what was read.
    ///
    /// # Errors
    /// It cannot be read, or a full pack cannot be written.
    pub fn content(&mut self, reader: &mut dyn Read) -> Result<(ContentId, u64), EngineError> {
        let cut = cut::<Stop>(reader, &mut |id, bytes| {
            if !self.ledger.stays(id).map_err(|e| Stop(e.into()))? {
                self.piece(compress_as(id, bytes)).map_err(Stop)?;
            }
            Ok(())
        })
        .map_err(|stop| stop.0)?;
        self.list(cut.id, cut.size, &cut.pieces)?;
        Ok((cut.id, cut.size))
    }

    fn list(&mut self, content: ContentId, size: u64, pieces: &[PieceId]) -> Result<(), EngineError> {
        match self.builder.content(content, size, pieces) {
            Err(Unfit::NoRoom) => {
                self.flush()?;
                self.fits(|builder| builder.content(content, size, pieces))
            }
            other => unfit(other),
        }
    }

    /// Add a content that lies in packs that are about to go, as it lies there.
    ///
    /// # Errors
    /// It cannot be read or is damaged, or a full pack cannot be written.
    pub fn stored(&mut self, content: ContentId) -> Result<(), EngineError> {
        let Some(pieces) = self.ledger.pieces(content)? else { return Ok(()) };
        let mut size = 0;
        for located in &pieces {
            let PieceAt { id, at, stored, size: long, raw } = located.piece;
            size += u64::from(long);
            let bytes = self.share.read_at(located.pack, at, stored as usize);
            let bytes = bytes.map_err(EngineError::io("cannot read the history in", self.share.root()))?;
            if located.piece.open(&bytes).is_err() {
                let damaged = std::io::ErrorKind::InvalidData.into();
                return Err(EngineError::io("is damaged: the history in", self.share.root())(damaged));
            }
            if !self.ledger.stays(id)? {
                self.piece(Compressed { id, size: long, raw, bytes })?;
            }
        }
        let list: Vec<_> = pieces.iter().map(|located| located.piece.id).collect();
        self.list(content, size, &list)
    }

    /// What a unit among the contents is made of, for the ledger.
    pub fn unit(&mut self, list: ContentId, parts: BTreeSet<ContentId>) {
        self.units.push((list, parts.into_iter().collect()));
    }

    /// Add a record of this machine.
    ///
    /// # Errors
    /// A full pack cannot be written.
    pub fn record(&mut self, record: &Record) -> Result<(), EngineError> {
        self.record_of_file(record, None)
    }

    /// The same, with the time its file was changed, in milliseconds since 1970.
    ///
    /// # Errors
    /// A full pack cannot be written.
    pub fn record_of_file(&mut self, record: &Record, modified: Option<i64>) -> Result<(), EngineError> {
        let label = Label { modified, ..self.label.clone() };
        self.raw_record(&record.canonical(), Some(&label))
    }

    /// Add a record that was known before and is missing from the share, with the label it had.
    ///
    /// # Errors
    /// A full pack cannot be written.
    pub fn known_record(&mut self, known: &Unpacked) -> Result<(), EngineError> {
        self.raw_record(&known.raw, known.label.as_ref())
    }

    fn raw_record(&mut self, raw: &[u8], label: Option<&Label>) -> Result<(), EngineError> {
        match self.builder.record(raw, label) {
            Err(Unfit::NoRoom) => {
                self.flush()?;
                self.fits(|builder| builder.record(raw, label))
            }
            other => unfit(other),
        }
    }

    /// Say that the bytes of a content are nowhere any more.
    ///
    /// # Errors
    /// A full pack cannot be written.
    pub fn gone(&mut self, content: ContentId) -> Result<(), EngineError> {
        match self.builder.gone(content) {
            Err(Unfit::NoRoom) => {
                self.flush()?;
                self.fits(|builder| builder.gone(content))
            }
            other => unfit(other),
        }
    }

    /// Add the description of a course package.
    ///
    /// # Errors
    /// A full pack cannot be written.
    pub fn package(&mut self, raw: &[u8]) -> Result<(), EngineError> {
        match self.builder.package_bytes(raw) {
            Err(Unfit::NoRoom) => {
                self.flush()?;
                self.fits(|builder| builder.package_bytes(raw))
            }
            other => unfit(other),
        }
    }

    fn fits(&mut self, add: impl FnOnce(&mut Builder) -> Result<(), Unfit>) -> Result<(), EngineError> {
        unfit(add(&mut self.builder))
    }

    fn flush(&mut self) -> Result<(), EngineError> {
        if self.builder.is_empty() {
            return Ok(());
        }
        let packed = std::mem::replace(&mut self.builder, Builder::new()).finish();
        let pack = read(packed.id, &packed.bytes).map_err(|error| EngineError::State {
            path: self.share.root().to_owned(),
            reason: format!("a pack just made cannot be read: {error}"),
        })?;
        self.share.write_pack(packed.id, &packed.bytes)?;
        self.written.push((packed.id, pack, packed.bytes.len() as u64));
        Ok(())
    }

    /// Write what is left. All of it is durable in the share afterwards; the caller tells the ledger.
    ///
    /// # Errors
    /// A pack cannot be written.
    pub fn finish(mut self) -> Result<Published, EngineError> {
        self.flush()?;
        Ok(Published { packs: self.written, units: self.units })
    }
}

fn unfit(result: Result<(), Unfit>) -> Result<(), EngineError> {
    result.map_err(|error| EngineError::Answer {
        what: format!("a version cannot be stored: {error}"),
        remedy: "Please report this; the file itself is unchanged.".into(),
    })
}

struct Stop(EngineError);

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Stop(EngineError::Io { doing: "cannot read", path: "a file being stored".into(), source: error })
    }
}

/// Packs that are durable in the share.
pub struct Published {
    packs: Vec<(PackId, Pack, u64)>,
    units: Vec<(ContentId, Vec<ContentId>)>,
}

impl Published {
    /// Tell the ledger; within a batch. How many bytes they are.
    ///
    /// # Errors
    /// The ledger fails.
    pub fn note(&self, ledger: &Ledger) -> Result<u64, EngineError> {
        for (id, pack, size) in &self.packs {
            ledger.add_pack(*id, pack, *size, true)?;
        }
        for (list, parts) in &self.units {
            ledger.add_unit(*list, parts)?;
        }
        if !self.packs.is_empty() {
            ledger.admit()?;
        }
        Ok(self.packs.iter().map(|(_, _, size)| size).sum())
    }
}
