//! The `[[step]]` blocks: commands the host runs inside the environment at named moments.

use super::block::Block;
use super::manifest::named;
use super::name::nearest;
use super::problem::{At, Notes, quoted};
use super::service::{bare, few, known_placeholders, read_backends};
use super::{Moment, Step};

const MOST_STEPS: usize = 1000;

pub(super) fn read_steps(top: &Block<'_>, notes: &mut Notes) -> (Vec<Step>, Vec<usize>) {
    let blocks = top.blocks("step", "[[step]]", notes);
    few(&blocks, MOST_STEPS, notes);
    blocks.iter().take(MOST_STEPS).filter_map(|block| Some((read_step(block, notes)?, block.line))).unzip()
}

fn read_step(block: &Block<'_>, notes: &mut Notes) -> Option<Step> {
    let name = block.needed("name", "trust-notebooks", notes).and_then(|at| named(at, "name", notes));
    let when = block.needed("when", "after-ready", notes).and_then(|at| moment(at, notes));
    let service = block.text("service", notes).map(|at| at.value.to_owned());
    let backends = read_backends(block, notes).into_iter().map(|at| at.value.to_owned()).collect();
    let run = block.texts("run", notes);
    let Some(&first) = run.first() else {
        notes.problem(block.line, "The step runs nothing.", "Add `run = [\"program\", \"argument\", …]`.");
        return None;
    };
    let program = bare(first, notes);
    for &text in &run {
        known_placeholders(text, service.is_some(), notes);
    }
    program?;
    Some(Step {
        name: name?,
        when: when?,
        service,
        backends,
        run: run.iter().map(|at| at.value.to_owned()).collect(),
    })
}

fn moment(at: At<&str>, notes: &mut Notes) -> Option<Moment> {
    if let Some((moment, _)) = Moment::ALL.iter().find(|(_, name)| *name == at.value) {
        return Some(*moment);
    }
    let names = Moment::ALL.map(|(_, name)| name);
    let remedy = match nearest(at.value, names) {
        Some(meant) => format!("Did you mean `{meant}`?"),
        None => format!("Write one of: {}.", names.join(", ")),
    };
    notes.problem(at.line, format!("{} is not a moment at which steps run.", quoted(at.value)), remedy);
    None
}
