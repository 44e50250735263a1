//! Three versions in, one out, or a conflict. Merges are pure functions of bytes: two machines that merge the
//! same versions write the same bytes. Texts merge by lines, prose by words, notebooks by cells; all else stays whole and
//! open.

mod diff;
mod diff3;
pub mod difference;
mod lines;
pub mod notebook;
pub mod text;
pub mod way;
mod words;
