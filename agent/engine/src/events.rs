//! Session events: written by this machine, read from all. Each names the packs its machine had seen since its last.
//! They tell people who has the course open and who has the latest work, and nothing else: no decision about files
//! depends on them, and whether a session is open here stands in the ledger. A machine removes its own events again
//! once a later one says the same, so that there are never many.

use std::collections::{BTreeMap, BTreeSet};

use kitbag_core::id::PackId;
use kitbag_core::session::{Event, EventKind, MOST_PACKS, Presence, presence, superseded};
use kitbag_store::Ledger;

use crate::error::EngineError;
use crate::share::Share;
use crate::storage;
use crate::workspace::Workspace;

/// Where the ledger remembers since when the session is open here.
const OPEN: &str = "session.open";
/// Where it remembers how many events this machine has written.
const COUNT: &str = "session.events";
/// More events of one machine than this are put together into few.
const MOST_EVENTS: usize = 32;
/// A count above this is no count: some reader would lose its last digits.
const LAST_SEQUENCE: u64 = 1 << 53;

/// All events with their names.
fn named(ledger: &Ledger) -> Result<Vec<(String, Event)>, EngineError> {
    let read = |(name, text): (String, String)| {
        let event: Event = serde_json::from_str(&text).ok()?;
        (event.sequence < LAST_SEQUENCE).then_some((name, event))
    };
    Ok(ledger.events()?.into_iter().filter_map(read).collect())
}

/// All events known here; ones that cannot be read are passed over.
///
/// # Errors
/// The ledger fails.
pub fn all(ledger: &Ledger) -> Result<Vec<Event>, EngineError> {
    Ok(named(ledger)?.into_iter().map(|(_, event)| event).collect())
}

fn mine(ws: &Workspace) -> Result<Vec<(String, Event)>, EngineError> {
    Ok(named(&ws.ledger)?.into_iter().filter(|(_, event)| event.machine == ws.settings.machine_id).collect())
}

/// Packs that no event of this machine has named yet.
fn unsaid(ws: &Workspace, mine: &[(String, Event)]) -> Result<BTreeSet<PackId>, EngineError> {
    let said: BTreeSet<PackId> = mine.iter().flat_map(|(_, event)| event.packs.iter().copied()).collect();
    Ok(ws.ledger.packs()?.difference(&said).copied().collect())
}

/// Say what was taken in from other machines since the last time; nothing when there is nothing new.
///
/// # Errors
/// An event cannot be written or removed.
pub fn acknowledge(ws: &Workspace, share: &Share) -> Result<(), EngineError> {
    let mine = mine(ws)?;
    let turn = mine.iter().any(|(_, event)| event.event == EventKind::Opened);
    // one that replaces others is said too, also one's own: the others remove nothing before
    let replacing: BTreeSet<PackId> = ws.ledger.replaced()?.into_iter().map(|row| row.new).collect();
    let own: BTreeSet<PackId> = ws.ledger.my_packs()?.difference(&replacing).copied().collect();
    if session_open(&ws.ledger)? && !turn {
        // somebody cleaned the folder
        write(ws, share, &mine, EventKind::Opened)?;
    } else if !unsaid(ws, &mine)?.is_subset(&own) {
        write(ws, share, &mine, EventKind::Seen)?;
    }
    // looked at again only where there may be many
    if mine.len() < MOST_EVENTS { Ok(()) } else { put_together(ws, share) }
}

/// Say what happened, to the other machines.
///
/// # Errors
/// The event cannot be written.
pub fn add(ws: &Workspace, share: &Share, event: EventKind) -> Result<(), EngineError> {
    match event {
        EventKind::Opened => ws.ledger.set(OPEN, &ws.doors.clock.rfc3339())?,
        EventKind::Closed => ws.ledger.unset(OPEN)?,
        EventKind::Seen => {}
    }
    write(ws, share, &mine(ws)?, event)
}

fn write(
    ws: &Workspace,
    share: &Share,
    mine: &[(String, Event)],
    event: EventKind,
) -> Result<(), EngineError> {
    write_all(ws, share, mine, event, &unsaid(ws, mine)?)
}

/// As many events as these packs take, the last of them of this kind.
fn write_all(
    ws: &Workspace,
    share: &Share,
    mine: &[(String, Event)],
    event: EventKind,
    packs: &BTreeSet<PackId>,
) -> Result<(), EngineError> {
    let counted = ws.ledger.get(COUNT)?.and_then(|count| count.parse::<u64>().ok()).unwrap_or(0);
    let mut sequence = mine.iter().map(|(_, event)| event.sequence).fold(counted, u64::max);
    let packs: Vec<PackId> = packs.iter().copied().collect();
    let mut rest = packs.as_slice();
    loop {
        let (now, later) = rest.split_at(rest.len().min(MOST_PACKS));
        rest = later;
        sequence += 1;
        let next = Event {
            event: if rest.is_empty() { event } else { EventKind::Seen },
            machine: ws.settings.machine_id.clone(),
            name: ws.settings.machine.clone(),
            packs: now.iter().copied().collect(),
            sequence,
            time: ws.doors.clock.rfc3339(),
        };
        let text = serde_json::to_string(&next).unwrap_or_default();
        let name = share.add_note("events", &text)?;
        ws.ledger.batch(|ledger| {
            ledger.add_event(&name, &text)?;
            ledger.set(COUNT, &sequence.to_string())
        })?;
        if rest.is_empty() {
            return Ok(());
        }
    }
}

/// When this machine's events have become many, new ones say all they said, and then the old ones go.
fn put_together(ws: &Workspace, share: &Share) -> Result<(), EngineError> {
    let before = mine(ws)?;
    let packs = ws.ledger.packs()?;
    if before.len() <= MOST_EVENTS.max(2 * packs.len().div_ceil(MOST_PACKS)) {
        return Ok(());
    }
    write_all(ws, share, &before, EventKind::Seen, &packs)?;
    let events: Vec<_> = before.iter().map(|(_, event)| event).collect();
    let old: Vec<_> = superseded(&events).into_iter().map(|at| before[at].0.as_str()).collect();
    for name in &old {
        share.remove_note("events", name)?;
    }
    // one wait for the disk, however many they were
    ws.ledger.batch(|ledger| {
        for name in &old {
            ledger.forget_event(name)?;
        }
        Ok(())
    })
}

/// Whether this machine has a session open.
///
/// # Errors
/// The ledger fails.
pub fn session_open(ledger: &Ledger) -> Result<bool, EngineError> {
    Ok(open_since(ledger)?.is_some())
}

/// Since when this machine has a session open, RFC 3339.
///
/// # Errors
/// The ledger fails.
pub fn open_since(ledger: &Ledger) -> Result<Option<String>, EngineError> {
    Ok(ledger.get(OPEN)?)
}

/// What is known of every machine.
///
/// # Errors
/// The ledger fails.
pub fn machines(ws: &Workspace) -> Result<Vec<Presence>, EngineError> {
    let (mut events, mine) = (all(&ws.ledger)?, ws.ledger.my_packs()?);
    let made_of = storage::made_of(&ws.ledger.replaced()?);
    let mut said: BTreeMap<String, BTreeSet<PackId>> = BTreeMap::new();
    for event in &events {
        said.entry(event.machine.clone()).or_default().extend(&event.packs);
    }
    for event in &mut events {
        // who had all the packs one was made of has what is in it
        let said = said.remove(&event.machine).unwrap_or_default();
        event.packs.extend(mine.iter().filter(|pack| storage::has(&said, &made_of, **pack)));
    }
    Ok(presence(&events, &ws.settings.machine_id, &mine))
}
