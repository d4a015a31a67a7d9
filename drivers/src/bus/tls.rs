//! TLS to a broker or a device: rustls with ring, the only provider of the house.

use super::mqtt::Stream;
use super::pinned::Pinned;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, RootCertStore, crypto};

/// Whom to believe, and who we are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// File with the authorities; the system's where absent.
    pub ca: Option<PathBuf>,
    /// Files with our certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// SHA-256 of the one certificate that is believed, whoever signed it and whatever name it bears: for devices that
    /// sign their own.
    pub fingerprint: Option<[u8; 32]>,
}

/// A handshake over an open connection.
pub(super) async fn connect(tls: &Tls, host: &str, tcp: TcpStream) -> Result<Box<dyn Stream>, String> {
    let connector = connector(tls)?;
    let name =
        ServerName::try_from(host.to_owned()).map_err(|_| format!("`{host}` is not the name of a server"))?;
    let stream = connector.connect(name, tcp).await.map_err(|error| explained(&error, host))?;
    Ok(Box::new(stream))
}

/// Why a handshake failed, for people, with the words of the library behind it.
fn explained(error: &std::io::Error, host: &str) -> String {
    use CertificateError as Wrong;
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    let sentence = match cause {
        Some(rustls::Error::InvalidCertificate(wrong)) => match wrong {
            Wrong::UnknownIssuer => {
                "nobody whom we believe vouches for its certificate; check `ca`".to_owned()
            }
            Wrong::NotValidForName | Wrong::NotValidForNameContext { .. } => {
                format!("its certificate does not bear the name `{host}`")
            }
            Wrong::Expired | Wrong::ExpiredContext { .. } => {
                "its certificate has expired, or our clock is wrong".to_owned()
            }
            Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => {
                "its certificate is not valid yet, or our clock is wrong".to_owned()
            }
            Wrong::ApplicationVerificationFailure => {
                "it shows another certificate than that of `fingerprint`".to_owned()
            }
            _ => return error.to_string(),
        },
        Some(rustls::Error::InvalidMessage(_)) => "it does not speak TLS on this port".to_owned(),
        None if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof) => {
            "it hung up, perhaps because it does not speak TLS on this port".to_owned()
        }
        _ => return error.to_string(),
    };
    format!("{sentence} ({error})")
}

/// Reads the files anew, so that a renewed certificate counts from the next connection on.
fn connector(tls: &Tls) -> Result<TlsConnector, String> {
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match tls.fingerprint {
        Some(fingerprint) => {
            let pinned = Arc::new(Pinned::new(fingerprint, &provider));
            builder.dangerous().with_custom_certificate_verifier(pinned)
        }
        None => builder.with_root_certificates(roots(tls)?),
    };
    let config = match &tls.identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificates(certificate)?;
            let key =
                PrivateKeyDer::from_pem_file(key).map_err(|error| format!("{}: {error}", key.display()))?;
            let ours = builder.with_client_auth_cert(chain, key);
            ours.map_err(|error| format!("{}: {error}", certificate.display()))?
        }
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

fn roots(tls: &Tls) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match &tls.ca {
        Some(path) => {
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| format!("{}: {error}", path.display()))?;
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
        }
    }
    if roots.is_empty() {
        return Err("no certificate authority that could vouch for the other side".to_owned());
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| at(&error))?;
    certificates.collect::<Result<_, _>>().map_err(|error| at(&error))
}
