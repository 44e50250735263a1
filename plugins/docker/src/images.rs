//! Getting an image to the engine: download, load from a file of the course package, or build from a folder of it.
//! The engine tells what it does in lines of JSON, which become progress; a failure stands in these lines too, not
//! in the status. What counts at the end is whether the image is there.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read};

use kitbag_sdk::engine::Request;
use kitbag_sdk::{Fault, FaultCode};
use serde_json::Value;

use crate::api::{Api, said_no};
use crate::plan::{How, Step, Wanted};
use crate::{look, names};

/// The granted folder with the unpacked course package.
const PACKAGE: &str = "package";
/// A line of progress is never longer.
const LONGEST_LINE: u64 = 1 << 20;
/// How much of what a build said is kept for its fault.
const LAST_LINES: usize = 20;

/// Bring it.
///
/// # Errors
/// What keeps it away, with what can be done.
pub fn bring(api: &Api<'_>, wanted: &Wanted) -> Result<(), Fault> {
    let request = match &wanted.how {
        How::Pull(arch) => {
            let platform = arch.as_ref().map(|arch| names::encode(&format!("linux/{arch}")));
            let platform = platform.map_or_else(String::new, |platform| format!("&platform={platform}"));
            let name = names::encode(&wanted.name);
            Request::new("POST", format!("/images/create?fromImage={name}{platform}"))
        }
        How::Load(file) => Request::new("POST", "/images/load").carry(format!("file:{PACKAGE}/{file}")),
        How::Build(of) => {
            let args = serde_json::to_string(&of.args).unwrap_or_default();
            let [tag, file, args] = [&wanted.name, &of.dockerfile, &args].map(|text| names::encode(text));
            let path = format!("/build?t={tag}&dockerfile={file}&buildargs={args}&rm=1&forcerm=1");
            let folder = format!("tar:{PACKAGE}/{}", of.context);
            Request::new("POST", path).carry(folder.trim_end_matches('/'))
        }
    };
    let answer = api.done(request).map_err(|fault| kept_away(fault, wanted))?;
    Told::new(api, wanted).follow(answer.body).map_err(|fault| kept_away(fault, wanted))?;
    if look::image(api, &wanted.name)?.is_some() {
        return Ok(());
    }
    Err(Fault::new(FaultCode::NotFound, format!("What came does not hold the image {}.", wanted.name))
        .remedy("Tell the people who made the course."))
}

/// What the engine told so far.
struct Told<'a> {
    api: &'a Api<'a>,
    id: String,
    title: String,
    /// Bytes there and bytes in all, by layer.
    layers: BTreeMap<String, (u64, u64)>,
    last: VecDeque<String>,
    shown: String,
}

impl<'a> Told<'a> {
    fn new(api: &'a Api<'a>, wanted: &Wanted) -> Self {
        let step = Step::Image(wanted.clone());
        let (id, title) = (step.id(), step.title());
        Self { api, id, title, layers: BTreeMap::new(), last: VecDeque::new(), shown: String::new() }
    }

    /// Read to the end.
    fn follow(mut self, body: Box<dyn Read + '_>) -> Result<(), Fault> {
        let mut reader = BufReader::new(body);
        let mut line = Vec::new();
        loop {
            line.clear();
            if (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            // A line that is no JSON says nothing that counts: whether the image came is looked at afterwards.
            let Ok(said) = serde_json::from_slice::<Value>(&line) else { continue };
            if let Some(error) = said["errorDetail"]["message"].as_str().or(said["error"].as_str()) {
                let before: Vec<&str> = self.last.iter().map(String::as_str).collect();
                return Err(said_no(500, &[before.concat().as_str(), error].join("")));
            }
            self.show(&said);
        }
    }

    fn show(&mut self, said: &Value) {
        if let Some(text) = said["stream"].as_str() {
            if self.last.len() == LAST_LINES {
                self.last.pop_front();
            }
            self.last.push_back(text.to_owned());
            if let Some(step) = text.strip_prefix("Step ").and_then(|rest| rest.split(" :").next()) {
                self.say(&format!("step {}", step.replace('/', " of ")));
            }
        }
        let Some(layer) = said["id"].as_str() else { return };
        let known = self.layers.entry(layer.to_owned()).or_default();
        match said["status"].as_str() {
            Some("Downloading" | "Loading layer") => {
                let number = |key: &str| said["progressDetail"][key].as_u64().unwrap_or_default();
                *known = (number("current"), number("total"));
            }
            Some("Download complete" | "Pull complete" | "Already exists") => known.0 = known.1,
            _ => return,
        }
        let (there, all) = self.layers.values().fold((0, 0), |sum, layer| (sum.0 + layer.0, sum.1 + layer.1));
        if let Some(percent) = (there * 100).checked_div(all) {
            self.say(&format!("{} %", percent.min(100)));
        }
    }

    fn say(&mut self, text: &str) {
        if self.shown != text {
            self.shown = text.to_owned();
            self.api.host().step(&self.id, &format!("{}: {text}", self.title));
        }
    }
}

/// Why an image does not come, in the words of how it should have.
fn kept_away(fault: Fault, wanted: &Wanted) -> Fault {
    if fault.code == FaultCode::Quota || fault.code == FaultCode::Unsupported {
        return fault;
    }
    let detail = fault.detail.clone().unwrap_or_default();
    let has = |words: &[&str]| words.iter().any(|word| detail.contains(word));
    let told = match &wanted.how {
        How::Pull(_) if has(&["denied", "not found", "manifest unknown", "unauthorized"]) => Fault::new(
            FaultCode::NotFound,
            format!("The image {} cannot be downloaded: it is not there, or not for everybody.", wanted.name),
        )
        .remedy("Tell the people who made the course."),
        How::Pull(_) => {
            Fault::new(FaultCode::Network, format!("The image {} could not be downloaded.", wanted.name))
                .remedy_command(
                    "Look at the network and try again; what came already is kept.",
                    &["kitbag", "up"],
                )
                .remedy("Or ask for the course package that has the image in a file.")
        }
        How::Load(_) | How::Build(_) if fault.code == FaultCode::NotGranted => {
            fault.clone().remedy("Look whether the course package is whole; get it again if it is not.")
        }
        How::Load(file) => {
            Fault::new(FaultCode::ToolFailed, format!("The image in {file} could not be read."))
                .remedy("Get the course package again; this one may not be whole.")
        }
        How::Build(of) => {
            Fault::new(FaultCode::ToolFailed, format!("The image of {} could not be built.", of.context))
                .remedy("Look at the network and try again.")
                .remedy("If it happens again, tell the people who made the course.")
        }
    };
    if detail.is_empty() { told } else { told.detail(detail) }
}
