//! A backend for tests: answers from a script, in order, and keeps what it was asked. No component, no process.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::backend::{Backend, BoxFuture, Op, Reply};
use crate::context::OpContext;
use crate::error::PluginError;

/// Answers as told, and remembers the questions.
#[derive(Debug, Default)]
pub struct FakeBackend {
    answers: Mutex<VecDeque<Result<Reply, PluginError>>>,
    asked: Mutex<Vec<Op>>,
}

impl FakeBackend {
    /// With these answers, in order.
    pub fn new(answers: impl IntoIterator<Item = Result<Reply, PluginError>>) -> Self {
        Self { answers: Mutex::new(answers.into_iter().collect()), asked: Mutex::default() }
    }

    /// One more answer, after the others.
    pub fn answer(&self, answer: Result<Reply, PluginError>) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).push_back(answer);
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Op> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Backend for FakeBackend {
    fn call<'a>(&'a self, op: Op, cx: &'a OpContext) -> BoxFuture<'a, Result<Reply, PluginError>> {
        Box::pin(async move {
            if cx.cancel.is_cancelled() {
                return Err(PluginError::Cancelled);
            }
            let kind = format!("{op:?}");
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(op);
            let answer = self.answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            answer.unwrap_or_else(|| Err(PluginError::Host(format!("the fake has no answer to {kind}"))))
        })
    }
}
