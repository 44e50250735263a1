//! TLS to an engine on a port. Its certificate must be signed by the `ca.pem` of the settings, and by nobody else:
//! the authorities a browser trusts have no say in who may be given the files of a course.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::ResolvesClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, ClientConfig, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::admitted::Admitted;
use super::place::Tls;

/// A certificate that does not hold, or a file it should be in; the words say which.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Certificate(pub String);

impl From<Certificate> for io::Error {
    fn from(trouble: Certificate) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, trouble)
    }
}

/// Speak TLS on a connection.
///
/// # Errors
/// [`Certificate`] for a file that is missing or cannot be read, and for a certificate that does not hold.
pub async fn wrap(stream: TcpStream, host: &str, tls: &Tls) -> io::Result<Admitted<TlsStream<TcpStream>>> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let own = Arc::new(Own { key: own(tls, &provider)?, asked: AtomicBool::new(false) });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots(tls)?)
        .with_client_cert_resolver(own.clone());
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let refusal = own.asked.load(Ordering::Relaxed).then(|| own.refusal(tls));
    match connected {
        Ok(stream) => Ok(Admitted::new(stream, refusal)),
        Err(error) => Err(explained(error, tls, refusal)),
    }
}

/// What this computer shows where it is asked who it is.
#[derive(Debug)]
struct Own {
    key: Option<Arc<CertifiedKey>>,
    asked: AtomicBool,
}

impl Own {
    fn refusal(&self, tls: &Tls) -> String {
        let folder = tls.folder.display();
        match self.key {
            Some(_) => format!("it does not accept the certificate of this computer, cert.pem in {folder}"),
            None => format!("it wants a certificate of this computer, and there is no cert.pem in {folder}"),
        }
    }
}

impl ResolvesClientCert for Own {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.key.clone()
    }

    // asked all the same, so that what is missing can be said
    fn has_certs(&self) -> bool {
        true
    }
}

fn explained(error: io::Error, tls: &Tls, refusal: Option<String>) -> io::Error {
    let tls_error = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match (tls_error, refusal) {
        (Some(rustls::Error::InvalidCertificate(why)), _) => {
            let ca = tls.folder.join("ca.pem");
            Certificate(format!("its certificate does not hold by {}: {why}", ca.display())).into()
        }
        // what came is no TLS at all
        (Some(rustls::Error::InvalidMessage(_)), _) => Certificate("it does not speak TLS".to_owned()).into(),
        (Some(rustls::Error::AlertReceived(alert)), Some(refusal))
            if *alert != AlertDescription::CloseNotify =>
        {
            Certificate(format!("{refusal} ({error})")).into()
        }
        _ => error,
    }
}

fn roots(tls: &Tls) -> io::Result<RootCertStore> {
    let ca = tls.folder.join("ca.pem");
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&ca)? {
        roots.add(certificate).map_err(|error| wrong(&ca, &error))?;
    }
    Ok(roots)
}

fn own(tls: &Tls, provider: &rustls::crypto::CryptoProvider) -> io::Result<Option<Arc<CertifiedKey>>> {
    let (cert, key) = (tls.folder.join("cert.pem"), tls.folder.join("key.pem"));
    if !cert.exists() {
        return Ok(None);
    }
    let chain = certificates(&cert)?;
    let key_of = PrivateKeyDer::from_pem_file(&key).map_err(|error| wrong(&key, &error))?;
    let own = CertifiedKey::from_der(chain, key_of, provider).map_err(|error| wrong(&key, &error))?;
    Ok(Some(Arc::new(own)))
}

fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let all = CertificateDer::pem_file_iter(path).map_err(|error| wrong(path, &error))?;
    let all: Vec<_> = all.collect::<Result<_, _>>().map_err(|error| wrong(path, &error))?;
    if all.is_empty() { Err(wrong(path, &"it holds no certificate")) } else { Ok(all) }
}

fn wrong(path: &Path, error: &dyn std::fmt::Display) -> io::Error {
    Certificate(format!("{}: {error}", path.display())).into()
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

    use super::super::{Address, Place, Trouble, connect, ping};
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

    /// A place whose files are these, and the folder they are in.
    fn place(port: u16, ca: &str, own: Option<(&str, &str)>) -> (Place, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), ca).unwrap();
        if let Some((cert, key)) = own {
            std::fs::write(folder.path().join("cert.pem"), cert).unwrap();
            std::fs::write(folder.path().join("key.pem"), key).unwrap();
        }
        let tls = Some(Tls { folder: folder.path().to_owned() });
        let address = Address::Port { host: "127.0.0.1".to_owned(), port, tls };
        (Place { address, because: "a test".to_owned() }, folder)
    }

    /// What comes back; the error's words where nothing does.
    async fn ask(port: u16, own: Option<(&str, &str)>) -> Result<String, String> {
        let (place, _folder) = place(port, CA, own);
        let mut stream = match connect(&place).await {
            Ok(stream) => stream,
            Err(Trouble::Certificate { why, .. }) => return Err(why),
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
        let nobody = ask(server(SERVER).await, None).await.unwrap_err();
        assert!(nobody.contains("wants a certificate of this computer"), "{nobody}");
        let unknown = ask(server(SERVER).await, Some(STRANGER)).await.unwrap_err();
        assert!(unknown.contains("does not accept the certificate of this computer"), "{unknown}");
        let broken = ask(server(SERVER).await, Some(("", CLIENT.1))).await.unwrap_err();
        assert!(broken.contains("cert.pem"), "{broken}");
    }

    /// Who is not let in, and why, is said whatever breaks first.
    #[tokio::test]
    async fn who_is_not_let_in_is_told_by_a_ping() {
        for _ in 0..20 {
            let (nobody, _folder) = place(server(SERVER).await, CA, None);
            match ping(&nobody).await {
                Err(Trouble::Certificate { why, .. }) => {
                    assert!(why.contains("there is no cert.pem"), "{why}")
                }
                other => panic!("{other:?}"),
            }
        }
        let (wrong, folder) = place(server(SERVER).await, STRANGER.0, Some(CLIENT));
        match ping(&wrong).await {
            Err(Trouble::Certificate { why, .. }) => {
                assert!(why.contains(folder.path().join("ca.pem").to_str().unwrap()), "{why}");
            }
            other => panic!("{other:?}"),
        }
        let (missing, folder) = place(server(SERVER).await, CA, None);
        std::fs::remove_file(folder.path().join("ca.pem")).unwrap();
        assert!(matches!(ping(&missing).await, Err(Trouble::Certificate { .. })));
    }
}
