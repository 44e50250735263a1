//! TLS to an engine on a port. Its certificate must be signed by the `ca.pem` of the settings, and by nobody else:
//! the authorities a browser trusts have no say in who may be given the files of a course.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::place::Tls;

/// Speak TLS on a connection.
///
/// # Errors
/// A file that is missing or cannot be read, or a certificate that does not hold.
pub async fn wrap(stream: TcpStream, host: &str, tls: &Tls) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(Arc::new(config(tls)?)).connect(name, stream).await
}

fn config(tls: &Tls) -> io::Result<ClientConfig> {
    let ca = tls.folder.join("ca.pem");
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&ca)? {
        roots.add(certificate).map_err(|error| wrong(&ca, &error))?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots);
    let (cert, key) = (tls.folder.join("cert.pem"), tls.folder.join("key.pem"));
    if !cert.exists() {
        return Ok(builder.with_no_client_auth());
    }
    let chain = certificates(&cert)?;
    let key_of = PrivateKeyDer::from_pem_file(&key).map_err(|error| wrong(&key, &error))?;
    builder.with_client_auth_cert(chain, key_of).map_err(|error| wrong(&key, &error))
}

fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let all = CertificateDer::pem_file_iter(path).map_err(|error| wrong(path, &error))?;
    let all: Vec<_> = all.collect::<Result<_, _>>().map_err(|error| wrong(path, &error))?;
    if all.is_empty() { Err(wrong(path, &"it holds no certificate")) } else { Ok(all) }
}

fn wrong(path: &Path, error: &dyn std::fmt::Display) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}
