//! Stories with a real Docker engine. `life` lives through the reference course with its real image; `troubles` are
//! what goes wrong around it; `killed` kills kitbag at random moments; `restarted` restarts an engine of its own.
//! `.ci/docker` has engine and image made. First tier.

mod killed;
pub mod lab;
mod life;
mod restarted;
mod troubles;
