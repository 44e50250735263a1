//! The page in a real Chromium: every view in both lights and three widths, by keyboard alone, with hostile names, with
//! kitbag gone and back. The server is a stand-in that gives out the real files of the page and recorded answers. With
//! KITBAG_REQUIRE_BROWSER a missing browser or a missing axe-core is a failure. First tier.

mod acts;
mod hostile;
mod keyboard;
mod link;
mod look;
mod sources;
mod standin;
mod views;
