//! What belongs to one running plugin: its limits, its table of handles, its doors and grants, and how long it
//! may go on. Made for one call and dropped after it, whatever happened.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use wasmtime::component::ResourceTable;
use wasmtime::{Store, StoreLimits, StoreLimitsBuilder, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::cancel::Cancel;
use crate::context::{Doors, OpContext};
use crate::doors::{ByteReader, ByteWriter, Level, LineSink};
use crate::fault::{Fault, FaultCode};
use crate::flood::Flood;
use crate::grants::Grants;
use crate::host::Shared;
use crate::wasm::http::Hooks;
use crate::wire::Wire;

/// Handles one plugin can hold.
const HANDLES: usize = 1000;
/// Bytes a plugin can hand over in one call to the host.
const HANDED: usize = 8 << 20;

/// A stream the plugin reads; shared with the host function that carries it into a program.
pub struct Reader(pub Arc<Mutex<ByteReader>>);
/// A stream the plugin writes.
pub struct Writer(pub Arc<Mutex<ByteWriter>>);
/// Where a plugin puts lines of services.
pub struct Sink(pub Arc<dyn LineSink>);

/// How long a call may go on.
#[derive(Clone)]
pub struct Bounds {
    /// From here on, waiting functions of the host answer `timeout`.
    pub deadline: Instant,
    /// From its flag on, they answer `cancelled`.
    pub cancel: Cancel,
}

impl Bounds {
    /// From now.
    pub fn new(cx: &OpContext) -> Self {
        let now = Instant::now();
        // A deadline beyond the clock's range is none; a year will do.
        let deadline = now.checked_add(cx.deadline).unwrap_or(now + Duration::from_secs(365 * 86_400));
        Self { deadline, cancel: cx.cancel.clone() }
    }

    /// Wait for this, but not beyond the bounds: no epoch ticks inside a function of the host.
    pub async fn until<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Fault::new(FaultCode::Cancelled, "Cancelled.")),
            () = tokio::time::sleep_until(self.deadline.into()) => Err(Fault::new(FaultCode::Timeout, "This took too long.")),
            result = work => result,
        }
    }
}

/// The store's data.
pub struct Guest {
    pub wasi: WasiCtx,
    pub table: ResourceTable,
    pub limits: StoreLimits,
    pub doors: Doors,
    pub grants: Grants,
    pub bounds: Bounds,
    http: WasiHttpCtx,
    hooks: Hooks,
    flood: Flood,
}

impl Guest {
    /// Whether the plugin may say one more line now. What was dropped before is said first.
    pub fn may_speak(&mut self) -> bool {
        let may = self.flood.lets_through(Instant::now());
        if may {
            self.tell_dropped();
        }
        may
    }

    fn tell_dropped(&mut self) {
        let dropped = self.flood.take_dropped();
        if dropped > 0 {
            self.doors.log.write(Level::Warn, &format!("({dropped} lines of the plugin were dropped)"));
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.tell_dropped();
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}

/// A store for one call. Its requests to a container engine go through the wire.
pub fn store(shared: &Shared, cx: &OpContext, bounds: Bounds, wire: Arc<Wire>) -> Store<Guest> {
    let mut table = ResourceTable::new();
    table.set_max_capacity(HANDLES);
    let limits = StoreLimitsBuilder::new()
        .memory_size(shared.config.memory)
        .table_elements(100_000)
        .instances(100)
        .tables(100)
        .memories(10)
        .build();
    // The builder's own defaults: no environment, no arguments, no folders, no network, silent streams.
    let wasi =
        WasiCtxBuilder::new().allow_blocking_current_thread(false).allow_tcp(false).allow_udp(false).build();
    let guest = Guest {
        wasi,
        table,
        limits,
        doors: cx.doors.clone(),
        grants: cx.grants.clone(),
        bounds,
        http: WasiHttpCtx::new(),
        hooks: Hooks(wire),
        flood: Flood::new(Instant::now()),
    };
    let mut store = Store::new(&shared.engine, guest);
    store.limiter(|guest| &mut guest.limits);
    store.set_hostcall_fuel(HANDED);
    // The callback sets only later deadlines; without the first one a loop would never be interrupted.
    store.set_epoch_deadline(1);
    // Tokio's own yield: wasmtime's would leave timers waiting for sixty turns of a plugin that loops.
    store.epoch_deadline_callback(|_| Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()))));
    store
}
