//! A plugin's `wasi:http`: nothing but the way to the container engine. There is no other code that could connect.

use std::sync::Arc;

use http_body_util::BodyExt;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::fault::FaultCode;
use crate::wire::{Wire, WireError};

/// Where a plugin's requests go.
pub struct Hooks(pub Arc<Wire>);

type Boxed<T> = Box<dyn Future<Output = Result<T, Error>> + Send>;

impl WasiHttpHooks for Hooks {
    fn is_supported_scheme(&mut self, scheme: &http::uri::Scheme) -> bool {
        *scheme == http::uri::Scheme::HTTP
    }

    fn set_host_header(&mut self) -> bool {
        false
    }

    fn default_scheme(&mut self) -> Option<http::uri::Scheme> {
        None
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Boxed<()>,
    ) -> Boxed<(http::Response<WasiBody>, Boxed<()>)> {
        let wire = Arc::clone(&self.0);
        Box::new(async move {
            let broken = |error: Error| WireError::Broken(format!("{error:?}"));
            let response = wire.send(request.map(|body| body.map_err(broken).boxed_unsync())).await;
            let response = response.map_err(|error| told(&error))?;
            let response = response.map(|body| body.map_err(|error| told(&error)).boxed_unsync());
            Ok((response, Box::new(async { Ok(()) }) as Boxed<()>))
        })
    }
}

/// In the words of `wasi:http`.
fn told(error: &WireError) -> Error {
    match error {
        WireError::Refused(_) => Error::HttpRequestDenied,
        WireError::TooLong => Error::HttpRequestBodySize(None),
        WireError::TooMany => Error::ConnectionLimitReached,
        WireError::Late => Error::ConnectionTimeout,
        WireError::Cancelled => Error::ConnectionTerminated,
        WireError::Door(fault) => match fault.code {
            FaultCode::NotFound | FaultCode::MissingTool => Error::DestinationNotFound,
            FaultCode::InvalidConfig => Error::ConfigurationError,
            _ => Error::ConnectionRefused,
        },
        WireError::Broken(why) => Error::InternalError(Some(why.clone())),
    }
}
