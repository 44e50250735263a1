//! One computer of a story with a browser at its page. What a person does is done on the page; what is looked at is what
//! the page shows and what lies in the folders. Everything that was started on it ends with the test, however that ends.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::inspect::Inspector;
use super::look::{Look, WIDTHS, text};
use crate::machine::{Machine, tree};
use crate::open::Ends;

/// One computer.
pub struct Desk {
    pub machine: Machine,
    pub look: Look,
    story: &'static str,
    name: &'static str,
    pictures: usize,
    wrong: Vec<Value>,
    /// Last: the browser ends by itself.
    _ends: Ends,
}

impl Desk {
    /// With folders of its own in this room; none where there is no browser.
    pub fn new(story: &'static str, room: &Path, name: &'static str) -> Option<Self> {
        let own = room.join(name);
        let look = Look::start(&own.join("profile"))?;
        let machine = Machine::new(room, name, &own.join("Dropbox").join("first-course"));
        let _ends = Ends::of(&machine);
        Some(Desk { machine, look, story, name, pictures: 0, wrong: Vec::new(), _ends })
    }

    /// Open kitbag's page as `kitbag page` does.
    #[track_caller]
    pub fn open(&mut self) {
        self.look.view(WIDTHS[2], false);
        let ran = self.machine.run(&["page", "--no-open"]).exits(&[0]);
        self.look.open(ran.stdout.trim());
    }

    /// The first run: four questions.
    #[track_caller]
    pub fn set_up(&mut self, course: Option<&Path>) {
        self.look
            .until(20, &format!("document.querySelector('h1').textContent === {:?}", text("setup.welcome")));
        match course {
            Some(course) => {
                self.press("setup.course.file");
                self.fill("course", course.to_str().unwrap());
            }
            None => self.press("setup.course.cloud"),
        }
        self.press("setup.next");
        self.press("setup.share.other");
        let (share, work) = (self.machine.share.clone(), self.machine.work.clone());
        self.fill("other", share.to_str().unwrap());
        self.press("setup.next");
        self.fill("work", work.to_str().unwrap());
        self.press("setup.next");
        self.fill("machine", self.name);
        self.picture("set-up");
        self.press("setup.go");
    }

    /// Press what has this text.
    #[track_caller]
    pub fn press(&mut self, key: &str) {
        self.look.press(&text(key));
    }

    /// Press it, and the same again where it is asked whether it was meant.
    #[track_caller]
    pub fn press_and_mean(&mut self, key: &str) {
        self.press(key);
        self.look.until(20, "document.querySelector('dialog[open]') !== null");
        self.press(key);
    }

    /// Go to a view by its link, and wait for what it reads.
    #[track_caller]
    pub fn go(&mut self, view: &str) {
        self.look.value(&format!("document.querySelector('nav a[href=\"#/{view}\"]').click()"));
        self.look.until(20, &format!("location.hash === '#/{view}'"));
        self.read();
    }

    /// Wait for what the view reads: a look at the whole computer takes a while on a busy one.
    #[track_caller]
    pub fn read(&mut self) {
        self.look
            .until(90, "document.querySelector('main [aria-busy=true]') === null && document.querySelector('main h1') !== null");
    }

    /// Wait until the view says this.
    #[track_caller]
    pub fn shows(&mut self, seconds: u64, words: &str) {
        self.look.until(seconds, &format!("document.querySelector('main').innerText.includes({words:?})"));
    }

    /// Wait for the question a command asks, in which these words stand.
    #[track_caller]
    pub fn asks(&mut self, seconds: u64, words: &str) {
        self.look.until(
            seconds,
            &format!("document.querySelector('dialog[open]')?.innerText.includes({words:?}) === true"),
        );
    }

    /// Put this into a field, as a person types over what is in it.
    #[track_caller]
    fn fill(&mut self, id: &str, typed: &str) {
        self.look.until(20, &format!("document.getElementById({id:?}) !== null"));
        self.look.value(&format!(
            "document.getElementById({id:?}).focus(); document.getElementById({id:?}).select()"
        ));
        self.look.browser.type_text(typed);
    }

    /// Until the file reads like this in the working folder.
    #[track_caller]
    pub fn reads(&self, path: &str, wanted: &str) {
        soon(&format!("{}: {path} reads {wanted:?}", self.name), || {
            let read = self.machine.read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            if read.as_deref() == Some(wanted) { Ok(()) } else { Err(read) }
        });
    }

    /// Until it has handed this to its cloud folder, by itself.
    #[track_caller]
    pub fn hands_over(&self, path: &str, wanted: &str) {
        soon(&format!("{}: {path} is {wanted:?} in the cloud folder", self.name), || {
            let mirror = self.machine.mirror();
            let there = mirror.0.get(path);
            if there.is_some_and(|bytes| bytes == wanted.as_bytes()) { Ok(()) } else { Err(mirror) }
        });
    }

    /// Until both work on the same files.
    #[track_caller]
    pub fn has_what_has(&self, other: &Desk) {
        soon("both have the same files", || {
            let (own, theirs) = (self.machine.files(), other.machine.files());
            // JupyterLab's own copies go nowhere
            let differs = |path: &&String| {
                !path.contains(".ipynb_checkpoints/") && own.0.get(*path) != theirs.0.get(*path)
            };
            let all: Vec<String> = own.0.keys().chain(theirs.0.keys()).filter(differs).cloned().collect();
            if all.is_empty() { Ok(()) } else { Err(all) }
        });
    }

    /// Until the two cloud folders have the same.
    #[track_caller]
    pub fn agrees_with(&self, other: &Desk) {
        let seen = |desk: &Desk| {
            let mut files = tree(&desk.machine.share);
            files.0.retain(|path, _| !path.contains(".~"));
            files
        };
        soon("the copier comes to an end", || if seen(self) == seen(other) { Ok(()) } else { Err(()) });
    }

    /// Allow what the course asks for, once it is asked about, and wait until the course is there.
    #[track_caller]
    pub fn allow(&mut self, what: &str) {
        self.asks(120, what);
        self.picture("asks");
        self.press("question.allow");
        self.shows(240, &text("ended.up"));
        self.picture("ready");
        self.press("operation.dismiss");
    }

    /// Open the course's notebooks by the button: JupyterLab is drawn on a page of its own, without the token in its
    /// address.
    #[track_caller]
    pub fn open_notebooks(&mut self) {
        self.look.press("Open Jupyter notebooks");
        let drawn = "document.querySelector('.jp-LauncherCard, .jp-DirListing-item') !== null && \
                     !location.search.includes('token')";
        self.look.browser.opened_beside(120, |url| url.contains("/lab"), drawn);
    }

    /// End the day.
    #[track_caller]
    pub fn done(&mut self) {
        self.press("home.done");
        self.shows(180, &text("ended.done"));
        self.picture("done");
        self.press("operation.dismiss");
    }

    /// How a view is: looked over, and kept as pictures at three widths.
    #[track_caller]
    pub fn picture(&mut self, what: &str) {
        self.pictures += 1;
        self.look.well(&format!("{}: {what}", self.name));
        let name = format!("{}-{}-{:02}-{what}", self.story, self.name, self.pictures);
        self.wrong.extend(Inspector::new().wrong(&mut self.look, &name));
        for width in WIDTHS {
            self.look.view(width, false);
            self.look.settled();
            self.look.picture(&format!("{name}-{width}"));
            self.wrong.extend(Inspector::without_axe().wrong(&mut self.look, &format!("{name}-{width}")));
        }
    }

    /// Nothing went wrong on it, and nothing was in the way of anybody.
    #[track_caller]
    pub fn was_well(&mut self) {
        self.look.well(self.name);
        assert!(self.wrong.is_empty(), "{:#}", Value::Array(self.wrong.clone()));
    }
}

/// Wait until it is so; what was seen instead is told when it is not.
#[track_caller]
fn soon<E: std::fmt::Debug>(what: &str, mut look: impl FnMut() -> Result<(), E>) {
    let deadline = Instant::now() + Duration::from_secs(90);
    while let Err(seen) = look() {
        assert!(Instant::now() < deadline, "not so: {what}; it is {seen:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
