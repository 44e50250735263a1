//! The page in a real Chromium: every view in both lights and three widths, by keyboard alone, with hostile names, with
//! kitbag gone and back. The server there is a stand-in that gives out the real files of the page and recorded answers,
//! which are held against real ones; a student's first two days go by with the real kitbag. With KITBAG_REQUIRE_BROWSER a
//! missing browser or a missing axe-core is a failure. First tier.

mod acts;
mod cells;
mod copier;
mod desk;
mod docker_days;
mod hostile;
mod inspect;
mod keyboard;
mod lab;
mod link;
mod look;
mod notebook;
mod paint;
mod shapes;
mod sources;
mod standin;
mod two_days;
mod unit;
mod views;
