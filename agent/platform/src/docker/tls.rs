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

#[cfg(test)]
mod tests {
    //! Against a server of the same library. The certificates were made for this test, hold for a hundred years, and
    //! their authority's key is gone; the stranger's is signed by itself.

    use rustls::ServerConfig;
    use rustls::server::WebPkiClientVerifier;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::super::{Address, Place, Trouble, connect};
    use super::*;

    const CA: &str = include_str!("certificates/ca.pem");
    const SERVER: (&str, &str) =
        (include_str!("certificates/server.pem"), include_str!("certificates/server-key.pem"));
    const CLIENT: (&str, &str) =
        (include_str!("certificates/client.pem"), include_str!("certificates/client-key.pem"));
    const STRANGER: (&str, &str) =
        (include_str!("certificates/stranger.pem"), include_str!("certificates/stranger-key.pem"));

    /// Answers one connection with what it hears, in capitals; wants to know who asks.
    async fn server((cert, key): (&str, &str)) -> u16 {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(CA.as_bytes()).unwrap()).unwrap();
        let asks = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(asks.build().unwrap())
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(cert.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await else { return };
            let mut said = String::new();
            if stream.read_to_string(&mut said).await.is_ok() {
                let _ = stream.write_all(said.to_uppercase().as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        port
    }

    /// What comes back; the error's words where nothing does.
    async fn ask(port: u16, own: Option<(&str, &str)>) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), CA).unwrap();
        if let Some((cert, key)) = own {
            std::fs::write(folder.path().join("cert.pem"), cert).unwrap();
            std::fs::write(folder.path().join("key.pem"), key).unwrap();
        }
        let tls = Some(Tls { folder: folder.path().to_owned() });
        let address = Address::Port { host: "127.0.0.1".to_owned(), port, tls };
        let place = Place { address, because: "a test".to_owned() };
        let mut stream = match connect(&place).await {
            Ok(stream) => stream,
            Err(Trouble::NoAnswer { why, .. }) => return Err(why),
            Err(other) => panic!("{other:?}"),
        };
        let mut heard = String::new();
        stream.write_all(b"half closed").await.map_err(|error| error.to_string())?;
        stream.shutdown().await.map_err(|error| error.to_string())?;
        stream.read_to_string(&mut heard).await.map_err(|error| error.to_string())?;
        Ok(heard)
    }

    #[tokio::test]
    async fn both_sides_must_be_who_they_say() {
        assert_eq!(ask(server(SERVER).await, Some(CLIENT)).await.unwrap(), "HALF CLOSED");
        let stranger = ask(server(STRANGER).await, Some(CLIENT)).await.unwrap_err();
        assert!(stranger.contains("certificate"), "{stranger}");
        assert!(ask(server(SERVER).await, None).await.is_err(), "nobody got in");
        assert!(ask(server(SERVER).await, Some(STRANGER)).await.is_err(), "a stranger got in");
        let broken = ask(server(SERVER).await, Some(("", CLIENT.1))).await.unwrap_err();
        assert!(broken.contains("cert.pem"), "{broken}");
    }
}
