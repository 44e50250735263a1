//! What the page answers: JSON, its own files, or bad news with what, why and what to do. Every answer, a refusal too,
//! carries the same headers: nothing of it is stored, framed, guessed at or read by another page, and the page itself may
//! load nothing from elsewhere.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use axum::response::IntoResponse;
use kitbag_core::finding::Finding;
use kitbag_engine::EngineError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::guard::{LONGEST_BODY, Refused};

/// What the page may load, and who may show it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const HEADERS: [(&str, &str); 7] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
];

/// How long a body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// Put the headers of every answer on one.
pub(super) fn dressed(mut answer: Response<Body>) -> Response<Body> {
    for (name, value) in HEADERS {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// What came of a request.
pub(super) type Answered = Result<Response<Body>, Trouble>;

/// Bad news.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) status: StatusCode,
    pub(super) finding: Finding,
}

impl Trouble {
    pub(super) fn new(status: StatusCode, finding: Finding) -> Self {
        Trouble { status, finding }
    }

    /// A request that makes no sense, and why.
    pub(super) fn wrong(why: impl Into<String>) -> Self {
        let remedy = "Load the page again; where that does not help, the command line does the same.";
        Trouble::new(StatusCode::BAD_REQUEST, Finding::new("the page asked for something wrong", why, remedy))
    }

    /// Nothing of that name.
    pub(super) fn unknown(what: impl Into<String>) -> Self {
        Trouble::new(
            StatusCode::NOT_FOUND,
            Finding::new(what, "It may have gone meanwhile.", "Load the page again."),
        )
    }

    /// A mistake of kitbag's own, or no answer in time.
    pub(super) fn bug(why: impl Into<String>) -> Self {
        let remedy = "Try again; if it stays, `kitbag report` gathers what your tutor needs.";
        Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, Finding::new("kitbag could not answer", why, remedy))
    }
}

impl From<EngineError> for Trouble {
    fn from(error: EngineError) -> Self {
        let status = match error {
            EngineError::NoWorkspace(_) | EngineError::NoConflict(_) => StatusCode::NOT_FOUND,
            // the state of things is in the way, and the words say what to do
            _ => StatusCode::CONFLICT,
        };
        Trouble::new(status, error.finding())
    }
}

impl From<Refused> for Trouble {
    fn from(refused: Refused) -> Self {
        Trouble::new(refused.status(), refused.finding())
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response<Body> {
        #[derive(Serialize)]
        struct Document {
            error: Finding,
        }
        json(self.status, &Document { error: self.finding })
    }
}

/// A document.
pub(super) fn json(status: StatusCode, document: &impl Serialize) -> Response<Body> {
    let text = serde_json::to_vec(document).unwrap_or_default();
    let mut answer = Response::new(Body::from(text));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// A document that is well.
///
/// # Errors
/// None: the type is that of every answer.
pub(super) fn good(document: &impl Serialize) -> Answered {
    Ok(json(StatusCode::OK, document))
}

/// The body of a request, understood. What is not known in it is an error: a page and a kitbag that do not fit together
/// must not half understand each other.
///
/// # Errors
/// It does not come in time, is too long, or is something else.
pub(super) async fn read<T: DeserializeOwned>(request: Request<Body>) -> Result<T, Trouble> {
    let most = usize::try_from(LONGEST_BODY).unwrap_or(usize::MAX);
    let bytes = match tokio::time::timeout(BODY_WITHIN, to_bytes(request.into_body(), most)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => return Err(Trouble::wrong("Its body broke off.")),
        Err(_) => return Err(Trouble::wrong("Its body did not arrive in time.")),
    };
    // what serde says may repeat what was sent, which nobody needs to read again
    serde_json::from_slice(&bytes).map_err(|_| Trouble::wrong("Its body is not what was expected."))
}
