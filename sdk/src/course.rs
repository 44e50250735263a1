//! The hook of a course, as one trait. A hook gives data and advice; the host acts. It can start nothing and
//! reach nothing: only the log, the progress line and the machine's figures.

use std::marker::PhantomData;

use crate::bindings::course::exports::kitbag::plugin::hooks;
use crate::{Advice, Description, Fault, LayoutDoc, Moment};

/// What a course adds that its manifest cannot say.
pub trait Course {
    /// Who this is; must agree with the course's manifest.
    fn describe() -> Description;

    /// Folders that must exist and more ignore rules. `config` is JSON.
    ///
    /// # Errors
    /// `invalid-config` for a configuration it cannot read.
    fn layout(config: String) -> Result<LayoutDoc, Fault>;

    /// Advice at a named moment. `config` is JSON.
    ///
    /// # Errors
    /// When no advice can be given.
    fn hook(at: Moment, config: String) -> Result<Advice, Fault>;
}

/// The component made of a [`Course`]; [`crate::export_course!`] names it.
#[doc(hidden)]
#[derive(Debug)]
pub struct CourseComponent<T>(PhantomData<T>);

impl<T: Course> hooks::Guest for CourseComponent<T> {
    fn describe() -> Description {
        T::describe()
    }
    fn layout(config: String) -> Result<LayoutDoc, Fault> {
        T::layout(config)
    }
    fn hook(at: Moment, config: String) -> Result<Advice, Fault> {
        T::hook(at, config)
    }
}

/// Make this crate a component of world `course`. Outside WebAssembly it does nothing.
///
/// ```
/// use kitbag_sdk::*;
///
/// pub struct Quiet;
///
/// impl Course for Quiet {
///     fn describe() -> Description {
///         Description { id: "quiet".into(), version: "1.0.0".into(), title: "Quiet".into() }
///     }
///     fn layout(_: String) -> Result<LayoutDoc, Fault> {
///         Ok(LayoutDoc { folders: vec!["data".into()], ignore: vec![] })
///     }
///     fn hook(_: Moment, _: String) -> Result<Advice, Fault> {
///         Ok(Advice::Proceed)
///     }
/// }
///
/// kitbag_sdk::export_course!(Quiet);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export_course {
    ($course:ty) => {
        const _: () = {
            #[allow(dead_code)]
            type KitbagComponent = $crate::CourseComponent<$course>;
            #[cfg(target_family = "wasm")]
            #[allow(unsafe_code, missing_docs, unused_qualifications, clippy::all)]
            const _: () = {
                $crate::bindings::course::export_course_world!(
                    KitbagComponent with_types_in $crate::bindings::course
                );
            };
        };
    };
}
