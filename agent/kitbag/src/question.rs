//! Everything kitbag asks a person goes through here. A question is data: what is told before it, its words, and what
//! stands behind it for a program that shows it in its own way. On a terminal it is a line to answer; a program that
//! talks with kitbag gets it whole and answers by its number; where nobody can be asked there is no answer.

use std::io::{IsTerminal, Write};

use serde_json::Value;

use crate::context::Context;
use crate::talk::Talk;

/// What sort of answer is wanted, and how much hangs on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Yes or no: whether a course may do something on this computer.
    Consent,
    /// Yes or no: whether to go on, though something could be lost.
    GoOn,
    /// A line.
    Line,
}

impl Kind {
    /// Its word in what other programs read.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Consent => "consent",
            Kind::GoOn => "go-on",
            Kind::Line => "line",
        }
    }
}

/// One question.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// What sort.
    pub kind: Kind,
    /// What a person should know first, line by line; safe to show.
    pub told: Vec<String>,
    /// The question itself, without how it can be answered.
    pub text: String,
    /// What stands behind it. `about` says which question it is; names in it are as they came.
    pub detail: Value,
}

impl Context {
    /// Ask for a yes; none when nobody can be asked. What comes before the question is told all the same.
    pub fn agrees(&self, question: &Question) -> Option<bool> {
        if let Some(talk) = self.talk() {
            return Some(talk.agrees(question));
        }
        self.tell(question);
        let answer = self.type_in(&format!("{} [y/N]", question.text))?;
        Some(matches!(answer.to_lowercase().as_str(), "y" | "yes"))
    }

    /// Ask for a line; none when nobody can be asked. What comes before the question is told all the same.
    pub fn line(&self, question: &Question) -> Option<String> {
        if let Some(talk) = self.talk() {
            return talk.line_for(question);
        }
        self.tell(question);
        self.type_in(&question.text)
    }

    /// The program to ask, where one is and questions are wanted.
    fn talk(&self) -> Option<&Talk> {
        self.printer.talk().filter(|_| !self.yes)
    }

    /// Say what comes before a question.
    pub fn tell(&self, question: &Question) {
        question.told.iter().for_each(|line| self.printer.say(line));
    }

    fn type_in(&self, prompt: &str) -> Option<String> {
        if self.yes || !std::io::stdin().is_terminal() {
            return None;
        }
        let mut out = std::io::stderr().lock();
        write!(out, "{prompt} ").and_then(|()| out.flush()).ok()?;
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).ok()?;
        Some(line.trim().to_owned())
    }
}
