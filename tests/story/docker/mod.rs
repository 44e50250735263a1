//! Stories with a real Docker engine. `life` lives through the reference course with its real image; `between` goes to
//! and fro between two computers with it, in one container and in linked ones; `built` is a course whose image is built
//! here; `troubles` are what goes wrong around it; `killed` kills kitbag at random moments; `restarted` restarts an
//! engine of its own, and `gone` kills it while rows are carried; `full` fills disks; `large` has very many rows;
//! `snapshots` take what the programs keep and put it back. `.ci/docker` has engine and image made. First tier, where a
//! story does not say more.

mod between;
mod built;
mod full;
mod gone;
pub mod image;
mod killed;
pub mod lab;
mod large;
mod life;
mod refine;
mod restarted;
mod rows;
mod snapshots;
mod troubles;
