//! A provider that knows files by number gets them written in place. That follows from what setup found; where the share
//! turned out to be another's since, this tells, and mends what was remembered.

use kitbag_core::finding::Finding;
use kitbag_core::provider::Row;

use super::{Check, Patient, Said, Treatment};
use crate::error::EngineError;
use crate::setup::write_settings;
use crate::workspace::Settings;

pub(super) struct InPlace;

impl Check for InPlace {
    fn name(&self) -> &'static str {
        "writing in place"
    }

    fn look(&self, patient: &Patient<'_>) -> Result<Vec<Said>, EngineError> {
        let (Some(found), known) = (patient.holding().map(|found| found.row), patient.ws.provider()) else {
            return Ok(Vec::new());
        };
        if patient.ws.config.provider.is_some() || known.is_some_and(|known| known.key == found.key) {
            return Ok(Vec::new());
        }
        let as_known = known.map_or("a folder of nobody known", |known| known.name);
        let finding = Finding::new(
            format!("the cloud folder is {}'s and is treated as {as_known}", found.name),
            if found.in_place {
                "That one wants files written in place; replaced ones lose their history there."
            } else {
                "How files are written there and what its copies are called depends on whose it is."
            },
            "Run `kitbag doctor --fix`.",
        );
        let matters = found.in_place || known.is_some_and(|known| known.in_place);
        let said = if matters { Said::bad(finding) } else { Said::note(finding) };
        Ok(vec![said.treated_by(Remember(found))])
    }
}

struct Remember(&'static Row);

impl Treatment for Remember {
    fn would(&self) -> String {
        format!("remember that the cloud folder is {}'s", self.0.name)
    }

    fn treat(&self, patient: &Patient<'_>) -> Result<(), EngineError> {
        let ws = patient.ws;
        let settings = Settings { provider: Some(self.0.key.to_owned()), ..ws.settings.clone() };
        write_settings(&ws.state, &settings, &ws.doors)
    }
}
