//! What of this machine's environment a takeaway can hold: the backend's own description of it, and its images as one
//! stream. Nothing is changed, nobody is asked: without the grant the images stay where they are.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kitbag_core::takeaway::Export;
use kitbag_plugin_host::{ByteWriter, Cancel, Fault, FaultCode, Op, Reply, Spec, Streams};

use super::runner::{Runner, SHORT};
use crate::error::EngineError;
use crate::sync::Progress;
use crate::workspace::Workspace;

/// Gigabytes over a slow disk take their time.
const IMAGES: Duration = Duration::from_secs(4 * 3600);

/// The environment that was made here, ready to be described.
pub(crate) struct Exporting<'a> {
    runner: Runner<'a>,
    /// What it was made from, whatever the course says by now.
    spec: Spec,
}

impl<'a> Exporting<'a> {
    /// None where none was made.
    ///
    /// # Errors
    /// The plugin cannot be loaded, or machine state cannot be used.
    pub(crate) async fn open(
        ws: &'a Workspace,
        home: &Path,
        progress: Arc<dyn Progress>,
    ) -> Result<Option<Self>, EngineError> {
        let runner = Runner::existing(ws, home, progress, false).await?;
        Ok(runner.and_then(|runner| Some(Self { spec: runner.made.spec.clone()?, runner })))
    }

    /// What runs it.
    pub(crate) fn backend(&self) -> &str {
        &self.runner.made.backend
    }

    /// What it is made of.
    ///
    /// # Errors
    /// What the plugin or its host says.
    pub(crate) async fn describe(&self) -> Result<Export, Fault> {
        let op = Op::DescribeExport(self.spec.clone());
        let grants = self.runner.grants(&BTreeSet::new()).map_err(|error| internal(&error))?;
        let told = self.runner.call(op, grants, SHORT).await.and_then(Reply::export);
        told.map(|export| *export).map_err(|error| error.fault())
    }

    /// Its images, into this; gives their bytes.
    ///
    /// # Errors
    /// What the plugin or its host says; `cancelled`.
    pub(crate) async fn images(&self, to: ByteWriter, cancel: Cancel) -> Result<u64, Fault> {
        let op = Op::ExportImages(self.spec.clone());
        let grants = self.runner.grants(&BTreeSet::new()).map_err(|error| internal(&error))?;
        let streams = Streams { output: Some(to), ..Streams::default() };
        let moved = self.runner.call_until(op, grants, IMAGES, streams, cancel).await;
        moved.and_then(Reply::moved).map_err(|error| error.fault())
    }
}

fn internal(error: &EngineError) -> Fault {
    Fault::new(FaultCode::Internal, error.to_string())
}
