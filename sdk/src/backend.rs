//! The backend an author writes, as one trait, and the component made of it. kitbag makes a fresh instance for
//! every call and drops it after: what must be remembered goes into [`crate::state`], and every verb may be
//! called again after a crash, so each looks first and acts on what it finds.

use std::marker::PhantomData;

use crate::bindings::backend::exports::kitbag::plugin::{environment, log_source, meta, snapshot, transfer};
use crate::{
    Description, Endpoint, EnvRef, EnvStatus, ExecRequest, Fault, FaultCode, PlanDoc, ProbeReport, Reader,
    Sink, Snap, Spec, Writer,
};

/// What a program run in an environment reads and writes.
#[derive(Debug, Clone, Copy)]
pub struct Streams<'a> {
    /// What it reads; nothing: an empty input.
    pub stdin: Option<&'a Reader>,
    /// Where its output goes.
    pub stdout: &'a Writer,
    /// Where its complaints go.
    pub stderr: &'a Writer,
}

/// A backend: runs environments of a course. Every verb may be called twice.
pub trait Backend {
    /// Who this is; must agree with `plugin.toml`.
    fn describe() -> Description;

    /// Whether this backend can work on this machine.
    ///
    /// # Errors
    /// Only when it cannot even be found out; what is missing goes into the report.
    fn probe() -> Result<ProbeReport, Fault>;

    /// What [`Backend::create`] and [`Backend::start`] would do. Changes nothing.
    ///
    /// # Errors
    /// `invalid-config` for a specification this backend cannot read.
    fn plan(what: Spec) -> Result<PlanDoc, Fault>;

    /// Make the environment, not yet running.
    ///
    /// # Errors
    /// `conflict` when one made from another specification exists.
    fn create(what: Spec, fingerprint: String) -> Result<(), Fault>;

    /// Start what does not run yet.
    ///
    /// # Errors
    /// `port-taken` when somebody else has one of the ports: the host chooses others. Whatever else keeps a required
    /// service from starting.
    fn start(what: Spec) -> Result<EnvStatus, Fault>;

    /// Wait until people can use it, at most this many milliseconds.
    ///
    /// # Errors
    /// `timeout`, or `tool-failed` when a service ended.
    fn wait_ready(id: EnvRef, deadline_millis: u64) -> Result<EnvStatus, Fault>;

    /// Stop it; services get this many milliseconds to flush what they hold.
    ///
    /// # Errors
    /// What keeps it running.
    fn stop(id: EnvRef, grace_millis: u64) -> Result<EnvStatus, Fault>;

    /// Stop it and forget it. An absent one is a success.
    ///
    /// # Errors
    /// What keeps it there.
    fn destroy(id: EnvRef) -> Result<(), Fault>;

    /// How it is. An absent one is [`crate::Phase::Absent`], no fault.
    ///
    /// # Errors
    /// When it cannot be found out.
    fn status(id: EnvRef) -> Result<EnvStatus, Fault>;

    /// Every environment made from this machine, also leftovers of a crash.
    ///
    /// # Errors
    /// When it cannot be found out.
    fn list_owned() -> Result<Vec<EnvRef>, Fault>;

    /// Where people reach the services.
    ///
    /// # Errors
    /// `not-found` for an absent environment.
    fn endpoints(id: EnvRef) -> Result<Vec<Endpoint>, Fault>;

    /// Names the data the environment keeps for itself: another name, or none, after they were lost. kitbag then no
    /// longer believes that its databases hold what was brought into them.
    ///
    /// # Errors
    /// When it cannot be found out.
    fn data_stamp(_id: EnvRef) -> Result<Option<String>, Fault> {
        Ok(None)
    }

    /// Run a program in the environment and give its exit code; none: ended by a signal.
    ///
    /// # Errors
    /// When it could not be run. A program that fails is no fault.
    fn exec_in(id: EnvRef, what: ExecRequest, streams: Streams<'_>) -> Result<Option<i32>, Fault>;

    /// What this environment is made of, as `takeaway.md` beside the interface says, for an archive that a person
    /// takes away.
    ///
    /// # Errors
    /// `unsupported`, as it stands here: nothing can be taken away but files and dumps.
    fn describe_export(_what: Spec) -> Result<String, Fault> {
        Err(no_export())
    }

    /// Write the images that [`Backend::describe_export`] names as one archive; gives its bytes.
    ///
    /// # Errors
    /// `unsupported`, as it stands here; what keeps them in.
    fn export_images(_what: Spec, _out: &Writer) -> Result<u64, Fault> {
        Err(no_export())
    }

    /// Put the files of a tar stream into the environment; gives their bytes.
    ///
    /// # Errors
    /// What keeps them out.
    fn put(id: EnvRef, path: String, tar: &Reader) -> Result<u64, Fault>;

    /// Write the files at a path of the environment as a tar stream; gives their bytes.
    ///
    /// # Errors
    /// What keeps them in.
    fn get(id: EnvRef, path: String, tar: &Writer) -> Result<u64, Fault>;

    /// Copy the data the environment keeps for itself, under a label.
    ///
    /// # Errors
    /// `unsupported`, as it stands here; `not-ready` while it runs; what keeps the data from being copied.
    fn take_snapshot(_id: EnvRef, _label: String) -> Result<Snap, Fault> {
        Err(no_snapshots())
    }

    /// Put a copy in the place of the data, which stand until the new ones are whole.
    ///
    /// # Errors
    /// `unsupported`, as it stands here; `not-ready` while it runs; `not-found`; `conflict` for a copy of another
    /// version of the course; what keeps the data from being copied.
    fn restore_snapshot(_id: EnvRef, _snapshot: String) -> Result<(), Fault> {
        Err(no_snapshots())
    }

    /// The whole copies, in the order they were taken in.
    ///
    /// # Errors
    /// `unsupported`, as it stands here; when it cannot be found out.
    fn list_snapshots(_id: EnvRef) -> Result<Vec<Snap>, Fault> {
        Err(no_snapshots())
    }

    /// Remove a copy. An absent one is a success.
    ///
    /// # Errors
    /// `unsupported`, as it stands here; what keeps it there.
    fn remove_snapshot(_id: EnvRef, _snapshot: String) -> Result<(), Fault> {
        Err(no_snapshots())
    }

    /// The lines a service (nothing: each) printed, and with `follow` those to come, until the sink wants no more.
    ///
    /// # Errors
    /// `not-found` for an absent environment or service.
    fn logs(id: EnvRef, service: Option<String>, follow: bool, out: &Sink) -> Result<(), Fault>;
}

fn no_export() -> Fault {
    Fault::new(FaultCode::Unsupported, "This backend gives no copy of an environment.")
        .remedy("Your files and the databases' dumps are taken along all the same.")
}

fn no_snapshots() -> Fault {
    Fault::new(FaultCode::Unsupported, "What runs the course here takes no snapshots.")
        .remedy_command("Your files and the databases' backups have older versions.", &["kitbag", "history"])
}

/// The component made of a [`Backend`]; [`crate::export_backend!`] names it.
#[doc(hidden)]
#[derive(Debug)]
pub struct BackendComponent<T>(PhantomData<T>);

impl<T: Backend> meta::Guest for BackendComponent<T> {
    fn describe() -> Description {
        T::describe()
    }
}

impl<T: Backend> environment::Guest for BackendComponent<T> {
    fn probe() -> Result<ProbeReport, Fault> {
        T::probe()
    }
    fn plan(what: Spec) -> Result<PlanDoc, Fault> {
        T::plan(what)
    }
    fn create(what: Spec, fingerprint: String) -> Result<(), Fault> {
        T::create(what, fingerprint)
    }
    fn start(what: Spec) -> Result<EnvStatus, Fault> {
        T::start(what)
    }
    fn wait_ready(id: EnvRef, deadline_millis: u64) -> Result<EnvStatus, Fault> {
        T::wait_ready(id, deadline_millis)
    }
    fn stop(id: EnvRef, grace_millis: u64) -> Result<EnvStatus, Fault> {
        T::stop(id, grace_millis)
    }
    fn destroy(id: EnvRef) -> Result<(), Fault> {
        T::destroy(id)
    }
    fn status(id: EnvRef) -> Result<EnvStatus, Fault> {
        T::status(id)
    }
    fn list_owned() -> Result<Vec<EnvRef>, Fault> {
        T::list_owned()
    }
    fn endpoints(id: EnvRef) -> Result<Vec<Endpoint>, Fault> {
        T::endpoints(id)
    }
    fn data_stamp(id: EnvRef) -> Result<Option<String>, Fault> {
        T::data_stamp(id)
    }
    fn exec_in(
        id: EnvRef,
        what: ExecRequest,
        stdin: Option<&Reader>,
        stdout: &Writer,
        stderr: &Writer,
    ) -> Result<Option<i32>, Fault> {
        T::exec_in(id, what, Streams { stdin, stdout, stderr })
    }
    fn describe_export(what: Spec) -> Result<String, Fault> {
        T::describe_export(what)
    }
    fn export_images(what: Spec, out: &Writer) -> Result<u64, Fault> {
        T::export_images(what, out)
    }
}

impl<T: Backend> transfer::Guest for BackendComponent<T> {
    fn put(id: EnvRef, path: String, tar: &Reader) -> Result<u64, Fault> {
        T::put(id, path, tar)
    }
    fn get(id: EnvRef, path: String, tar: &Writer) -> Result<u64, Fault> {
        T::get(id, path, tar)
    }
}

impl<T: Backend> snapshot::Guest for BackendComponent<T> {
    fn take(id: EnvRef, label: String) -> Result<Snap, Fault> {
        T::take_snapshot(id, label)
    }
    fn restore(id: EnvRef, snapshot: String) -> Result<(), Fault> {
        T::restore_snapshot(id, snapshot)
    }
    fn list(id: EnvRef) -> Result<Vec<Snap>, Fault> {
        T::list_snapshots(id)
    }
    fn remove(id: EnvRef, snapshot: String) -> Result<(), Fault> {
        T::remove_snapshot(id, snapshot)
    }
}

impl<T: Backend> log_source::Guest for BackendComponent<T> {
    fn read(id: EnvRef, service: Option<String>, follow: bool, out: &Sink) -> Result<(), Fault> {
        T::logs(id, service, follow, out)
    }
}

/// Make this crate a component of world `backend`. Outside WebAssembly it does nothing, so that the crate can
/// also be built and tested as plain Rust.
#[macro_export]
macro_rules! export_backend {
    ($backend:ty) => {
        const _: () = {
            #[allow(dead_code)]
            type KitbagComponent = $crate::BackendComponent<$backend>;
            #[cfg(target_family = "wasm")]
            #[allow(unsafe_code, missing_docs, unused_qualifications, clippy::all)]
            const _: () = {
                $crate::bindings::backend::export_backend_world!(
                    KitbagComponent with_types_in $crate::bindings::backend
                );
            };
        };
    };
}
