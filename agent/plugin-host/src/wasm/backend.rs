//! A component of world `backend` behind the [`Backend`] trait: one fresh instance for one operation.

use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use tokio::sync::Mutex;
use wasmtime::component::{Component, Resource};
use wasmtime::{AsContextMut, Store};

use super::bindings::backend::kitbag::plugin::types as wit;
use super::bindings::backend::{Backend as Instance, BackendPre};
use super::call::{broken, run};
use super::guest::{Bounds, Guest, Reader, Sink, Writer, store};
use super::{convert, linker};
use crate::backend::{Backend, BoxFuture, Op, Reply};
use crate::context::{OpContext, Streams};
use crate::doors::{ByteReader, ByteWriter};
use crate::error::PluginError;
use crate::grants::Grants;
use crate::host::Shared;
use crate::wire::Wire;

/// A loaded backend.
pub struct WasmBackend {
    shared: Arc<Shared>,
    pre: BackendPre<Guest>,
}

impl WasmBackend {
    /// Link it.
    pub fn new(shared: Arc<Shared>, component: &Component) -> Result<Self, PluginError> {
        let linked = linker::link(&shared.linkers.backend, component)?;
        let pre = BackendPre::new(linked).map_err(|error| PluginError::NotAPlugin(format!("{error:#}")))?;
        Ok(Self { shared, pre })
    }
}

impl Backend for WasmBackend {
    fn call<'a>(&'a self, op: Op, cx: &'a OpContext) -> BoxFuture<'a, Result<Reply, PluginError>> {
        Box::pin(async move {
            let bounds = Bounds::new(cx);
            let wire = Wire::new(cx, bounds.deadline, Some(&op));
            let store = store(&self.shared, cx, bounds.clone(), Arc::clone(&wire));
            let call = Call { store, streams: cx.take_streams(), grants: cx.grants.clone() };
            let answer = run(&self.shared, &bounds, call.answer(self.pre.clone(), op)).await;
            answer.map_err(|error| wire.explain(error))
        })
    }
}

struct Call {
    store: Store<Guest>,
    streams: Streams,
    grants: Grants,
}

impl Call {
    async fn answer(mut self, pre: BackendPre<Guest>, op: Op) -> Result<Reply, PluginError> {
        let instance = pre.instantiate_async(&mut self.store).await.map_err(|error| broken(&error))?;
        match op {
            Op::ExecIn { .. } | Op::Put { .. } | Op::Get { .. } | Op::ExportImages(_) | Op::Logs { .. } => {
                self.streaming(&instance, op).await
            }
            _ => self.plain(&instance, op).await,
        }
    }

    /// The outer result is wasmtime's, the inner the plugin's.
    fn take<T>(&self, answer: wasmtime::Result<Result<T, wit::Fault>>) -> Result<T, PluginError> {
        let answer = answer.map_err(|error| broken(&error))?;
        answer.map_err(|fault| convert::fault(fault, &self.grants).into())
    }

    async fn plain(&mut self, instance: &Instance, op: Op) -> Result<Reply, PluginError> {
        let environment = instance.kitbag_plugin_environment();
        let store = self.store.as_context_mut();
        match op {
            Op::Describe => {
                let said = instance.kitbag_plugin_meta().call_describe(store).await;
                convert::description(said.map_err(|error| broken(&error))?).map(Reply::Description)
            }
            Op::Probe => {
                let report = environment.call_probe(store).await;
                convert::probe(self.take(report)?, &self.grants).map(Reply::Probe)
            }
            Op::Plan(spec) => {
                let plan = environment.call_plan(store, &spec.into()).await;
                convert::plan(self.take(plan)?).map(Reply::Plan)
            }
            Op::Create { spec, fingerprint } => {
                let made = environment.call_create(store, &spec.into(), &fingerprint).await;
                self.take(made).map(|()| Reply::Done)
            }
            Op::Start(spec) => {
                let status = environment.call_start(store, &spec.into()).await;
                self.status(status)
            }
            Op::WaitReady { id, deadline_millis } => {
                let status = environment.call_wait_ready(store, &id.into(), deadline_millis).await;
                self.status(status)
            }
            Op::Stop { id, grace_millis } => {
                let status = environment.call_stop(store, &id.into(), grace_millis).await;
                self.status(status)
            }
            Op::Destroy(id) => {
                let gone = environment.call_destroy(store, &id.into()).await;
                self.take(gone).map(|()| Reply::Done)
            }
            Op::Status(id) => {
                let status = environment.call_status(store, &id.into()).await;
                self.status(status)
            }
            Op::ListOwned => {
                let owned = environment.call_list_owned(store).await;
                convert::owned(self.take(owned)?).map(Reply::Owned)
            }
            Op::Endpoints(id) => {
                let endpoints = environment.call_endpoints(store, &id.into()).await;
                convert::endpoints(self.take(endpoints)?).map(Reply::Endpoints)
            }
            Op::DataStamp(id) => {
                let stamp = environment.call_data_stamp(store, &id.into()).await;
                convert::stamp(self.take(stamp)?).map(Reply::Stamp)
            }
            Op::TakeSnapshot { .. }
            | Op::RestoreSnapshot { .. }
            | Op::ListSnapshots(_)
            | Op::RemoveSnapshot { .. } => self.snapshot(instance, op).await,
            Op::DescribeExport(spec) => {
                let said = environment.call_describe_export(store, &spec.into()).await;
                convert::export(&self.take(said)?).map(Reply::Export)
            }
            other => Err(PluginError::Host(format!("not a plain operation: {other:?}"))),
        }
    }

    async fn snapshot(&mut self, instance: &Instance, op: Op) -> Result<Reply, PluginError> {
        let interface = instance.kitbag_plugin_snapshot();
        let store = self.store.as_context_mut();
        match op {
            Op::TakeSnapshot { id, label } => {
                let taken = interface.call_take(store, &id.into(), &label).await;
                convert::snap(self.take(taken)?).map(Reply::Snap)
            }
            Op::RestoreSnapshot { id, snapshot } => {
                let restored = interface.call_restore(store, &id.into(), &snapshot).await;
                self.take(restored).map(|()| Reply::Done)
            }
            Op::ListSnapshots(id) => {
                let all = interface.call_list(store, &id.into()).await;
                convert::snaps(self.take(all)?).map(Reply::Snaps)
            }
            Op::RemoveSnapshot { id, snapshot } => {
                let gone = interface.call_remove(store, &id.into(), &snapshot).await;
                self.take(gone).map(|()| Reply::Done)
            }
            other => Err(PluginError::Host(format!("not about snapshots: {other:?}"))),
        }
    }

    fn status(
        &self,
        answer: wasmtime::Result<Result<wit::EnvStatus, wit::Fault>>,
    ) -> Result<Reply, PluginError> {
        convert::status(self.take(answer)?, &self.grants).map(Reply::Status)
    }

    async fn streaming(&mut self, instance: &Instance, op: Op) -> Result<Reply, PluginError> {
        let streams = std::mem::take(&mut self.streams);
        let output: ByteWriter = streams.output.unwrap_or_else(|| Box::new(tokio::io::sink()));
        let errors: ByteWriter = streams.errors.unwrap_or_else(|| Box::new(tokio::io::sink()));
        // Kept here too, so that what was written can be flushed whatever the plugin did with its handles.
        let (output, errors) = (Arc::new(Mutex::new(output)), Arc::new(Mutex::new(errors)));
        let reply = match op {
            Op::ExecIn { id, request } => {
                let stdin = match streams.input {
                    Some(input) => Some(self.handle(reader(input))?),
                    None => None,
                };
                let (out, err) = (self.handle(Writer(output.clone()))?, self.handle(Writer(errors.clone()))?);
                let code = instance
                    .kitbag_plugin_environment()
                    .call_exec_in(&mut self.store, &id.into(), &request.into(), stdin, out, err)
                    .await;
                self.take(code).map(Reply::Exited)
            }
            Op::Put { id, path } => {
                let input =
                    self.handle(reader(streams.input.unwrap_or_else(|| Box::new(tokio::io::empty()))))?;
                let moved = instance
                    .kitbag_plugin_transfer()
                    .call_put(&mut self.store, &id.into(), &path, input)
                    .await;
                self.take(moved).map(Reply::Moved)
            }
            Op::Get { id, path } => {
                let out = self.handle(Writer(output.clone()))?;
                let moved =
                    instance.kitbag_plugin_transfer().call_get(&mut self.store, &id.into(), &path, out).await;
                self.take(moved).map(Reply::Moved)
            }
            Op::ExportImages(spec) => {
                let out = self.handle(Writer(output.clone()))?;
                let moved = instance
                    .kitbag_plugin_environment()
                    .call_export_images(&mut self.store, &spec.into(), out)
                    .await;
                self.take(moved).map(Reply::Moved)
            }
            Op::Logs { id, service, follow } => {
                let Some(lines) = streams.lines else {
                    return Err(PluginError::Host(
                        "logs were asked for without a place to put them".to_owned(),
                    ));
                };
                let sink = self.handle(Sink(lines))?;
                let read = instance
                    .kitbag_plugin_log_source()
                    .call_read(&mut self.store, &id.into(), service.as_deref(), follow, sink)
                    .await;
                self.take(read).map(|()| Reply::Done)
            }
            other => Err(PluginError::Host(format!("not a streaming operation: {other:?}"))),
        };
        for writer in [output, errors] {
            let flushed = writer.lock().await.flush().await;
            if let (Err(error), Ok(_)) = (flushed, &reply) {
                return Err(PluginError::Host(format!(
                    "what the plugin wrote could not be handed on: {error}"
                )));
            }
        }
        reply
    }

    fn handle<T: Send + 'static>(&mut self, entry: T) -> Result<Resource<T>, PluginError> {
        self.store.data_mut().table.push(entry).map_err(|error| PluginError::Host(error.to_string()))
    }
}

fn reader(input: ByteReader) -> Reader {
    Reader(Arc::new(Mutex::new(input)))
}
