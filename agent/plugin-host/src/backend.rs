//! The two traits behind which every plugin stands: a backend, called with an operation and answering with a
//! reply, and a course's hook. Operations and replies are plain data, so that a component, a native library and
//! a test double are called alike, and a call can be recorded. Streams travel beside them in the context.

use std::future::Future;
use std::pin::Pin;

use kitbag_core::takeaway::Export;
use serde::{Deserialize, Serialize};

use crate::context::OpContext;
use crate::environment::{
    Description, Endpoint, EnvRef, EnvStatus, ExecRequest, PlanDoc, ProbeReport, Snap, Spec,
};
use crate::error::PluginError;
use crate::fault::Fault;

/// A future that can be kept behind a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One thing to ask of a backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Op {
    /// Who it is → [`Reply::Description`].
    Describe,
    /// Whether it can work here → [`Reply::Probe`].
    Probe,
    /// What it would do → [`Reply::Plan`].
    Plan(Spec),
    /// Make the environment → [`Reply::Done`].
    Create {
        /// What to make.
        spec: Spec,
        /// Of the plan that was shown.
        fingerprint: String,
    },
    /// Start what does not run → [`Reply::Status`].
    Start(Spec),
    /// Wait until people can use it → [`Reply::Status`].
    WaitReady {
        /// Which.
        id: EnvRef,
        /// At most so long, in milliseconds.
        deadline_millis: u64,
    },
    /// Stop it → [`Reply::Status`].
    Stop {
        /// Which.
        id: EnvRef,
        /// How long services may take to end, in milliseconds.
        grace_millis: u64,
    },
    /// Stop and forget it → [`Reply::Done`].
    Destroy(EnvRef),
    /// How it is → [`Reply::Status`].
    Status(EnvRef),
    /// All it made from this machine → [`Reply::Owned`].
    ListOwned,
    /// Where people reach it → [`Reply::Endpoints`].
    Endpoints(EnvRef),
    /// Which data it keeps → [`Reply::Stamp`].
    DataStamp(EnvRef),
    /// Run a program in it; `input` (optional), `output`, `errors` of the context → [`Reply::Exited`].
    ExecIn {
        /// Which.
        id: EnvRef,
        /// What to run.
        request: ExecRequest,
    },
    /// Unpack the tar stream `input` of the context into it → [`Reply::Moved`].
    Put {
        /// Which.
        id: EnvRef,
        /// Where to.
        path: String,
    },
    /// Pack files of it as tar into `output` of the context → [`Reply::Moved`].
    Get {
        /// Which.
        id: EnvRef,
        /// What.
        path: String,
    },
    /// What it is made of, for an archive that is taken away → [`Reply::Export`].
    DescribeExport(Spec),
    /// The images of that description into `output` of the context → [`Reply::Moved`].
    ExportImages(Spec),
    /// Copy the data it keeps → [`Reply::Snap`].
    TakeSnapshot {
        /// Which.
        id: EnvRef,
        /// What a person calls it.
        label: String,
    },
    /// Put a copy in the place of its data → [`Reply::Done`].
    RestoreSnapshot {
        /// Which.
        id: EnvRef,
        /// The copy's id.
        snapshot: String,
    },
    /// The copies there are → [`Reply::Snaps`].
    ListSnapshots(EnvRef),
    /// Remove a copy → [`Reply::Done`].
    RemoveSnapshot {
        /// Which.
        id: EnvRef,
        /// The copy's id.
        snapshot: String,
    },
    /// Lines of its services into `lines` of the context → [`Reply::Done`].
    Logs {
        /// Which.
        id: EnvRef,
        /// One service, or each.
        service: Option<String>,
        /// Go on until the sink wants no more.
        follow: bool,
    },
}

impl Op {
    /// The environment it is about; none: all, or none in particular.
    pub fn environment(&self) -> Option<&EnvRef> {
        match self {
            Self::Describe | Self::Probe | Self::ListOwned => None,
            Self::Plan(spec)
            | Self::Create { spec, .. }
            | Self::Start(spec)
            | Self::DescribeExport(spec)
            | Self::ExportImages(spec) => Some(&spec.id),
            Self::Destroy(id)
            | Self::Status(id)
            | Self::Endpoints(id)
            | Self::DataStamp(id)
            | Self::ListSnapshots(id) => Some(id),
            Self::WaitReady { id, .. }
            | Self::Stop { id, .. }
            | Self::ExecIn { id, .. }
            | Self::Put { id, .. }
            | Self::Get { id, .. }
            | Self::TakeSnapshot { id, .. }
            | Self::RestoreSnapshot { id, .. }
            | Self::RemoveSnapshot { id, .. }
            | Self::Logs { id, .. } => Some(id),
        }
    }
}

/// What a backend answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// Done; nothing to tell.
    Done,
    /// Who it is.
    Description(Description),
    /// Whether it can work here.
    Probe(ProbeReport),
    /// What it would do.
    Plan(PlanDoc),
    /// How the environment is.
    Status(EnvStatus),
    /// All it made.
    Owned(Vec<EnvRef>),
    /// Where people reach it.
    Endpoints(Vec<Endpoint>),
    /// The name of the data it keeps; none: it keeps none, or cannot tell.
    Stamp(Option<String>),
    /// The exit code; none: ended by a signal.
    Exited(Option<i32>),
    /// Bytes of files moved.
    Moved(u64),
    /// What an environment is made of; checked.
    Export(Box<Export>),
    /// A copy of its data.
    Snap(Snap),
    /// The copies of its data, in the order they were taken in.
    Snaps(Vec<Snap>),
}

macro_rules! takers {
    ($($(#[$doc:meta])* $name:ident: $case:ident -> $type:ty;)*) => {
        impl Reply {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// [`PluginError::Nonsense`] for a reply of another kind.
                pub fn $name(self) -> Result<$type, PluginError> {
                    match self {
                        Self::$case(value) => Ok(value),
                        other => Err(other.unexpected()),
                    }
                }
            )*
        }
    };
}

takers! {
    /// The description.
    description: Description -> Description;
    /// The probe's report.
    probe: Probe -> ProbeReport;
    /// The plan.
    plan: Plan -> PlanDoc;
    /// The status.
    status: Status -> EnvStatus;
    /// The environments made.
    owned: Owned -> Vec<EnvRef>;
    /// The endpoints.
    endpoints: Endpoints -> Vec<Endpoint>;
    /// The name of the data it keeps.
    stamp: Stamp -> Option<String>;
    /// The exit code.
    exited: Exited -> Option<i32>;
    /// The bytes moved.
    moved: Moved -> u64;
    /// What an environment is made of.
    export: Export -> Box<Export>;
    /// A copy of its data.
    snap: Snap -> Snap;
    /// The copies of its data.
    snaps: Snaps -> Vec<Snap>;
}

impl Reply {
    /// Nothing to tell.
    ///
    /// # Errors
    /// [`PluginError::Nonsense`] for a reply of another kind.
    pub fn done(self) -> Result<(), PluginError> {
        match self {
            Self::Done => Ok(()),
            other => Err(other.unexpected()),
        }
    }

    fn unexpected(&self) -> PluginError {
        PluginError::Nonsense(format!("a reply of another kind: {self:?}"))
    }
}

/// Something that runs environments.
pub trait Backend: Send + Sync {
    /// Do one operation within the context's grants and deadline. Dropping the future ends it.
    fn call<'a>(&'a self, op: Op, cx: &'a OpContext) -> BoxFuture<'a, Result<Reply, PluginError>>;
}

/// When a course's hook is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// Before the environment starts.
    BeforeStart,
    /// When people could use it.
    AfterReady,
    /// Before it stops.
    BeforeStop,
    /// When it has stopped.
    AfterStop,
}

/// What a hook adds to the course's layout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Folders of the workspace that must exist.
    pub folders: Vec<kitbag_core::path::WorkPath>,
    /// More ignore rules.
    pub ignore: Vec<String>,
}

/// What a hook advises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Advice {
    /// Go on.
    Proceed,
    /// Go on, and say this.
    Warn(Fault),
    /// Do not go on.
    Refuse(Fault),
}

/// A course's hook. It gives data and advice; the host acts.
pub trait Course: Send + Sync {
    /// What it adds to the layout.
    fn layout<'a>(
        &'a self,
        config: serde_json::Value,
        cx: &'a OpContext,
    ) -> BoxFuture<'a, Result<Layout, PluginError>>;

    /// Its advice at a moment.
    fn hook<'a>(
        &'a self,
        at: Moment,
        config: serde_json::Value,
        cx: &'a OpContext,
    ) -> BoxFuture<'a, Result<Advice, PluginError>>;
}
