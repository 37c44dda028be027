//! Whose certificates are accepted, and with which of our own we answer.

use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;

use evenkeel_error::Error;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret as _, SecretSlice};

#[cfg(feature = "native-tls")]
use super::native;
#[cfg(feature = "rustls-no-provider")]
use super::rustls_set_up;

/// Where trust begins: the certificates that vouch for servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Roots {
    /// Those of the operating system, whose verifier is asked where it has one (Windows, macOS, iOS,
    /// Android). Elsewhere `SSL_CERT_FILE` and `SSL_CERT_DIR` replace them if set. The default: a
    /// firm's own authority is trusted wherever the machine trusts it.
    #[default]
    System,
    /// Mozilla's, as they were when this was built.
    #[cfg(feature = "bundled-roots")]
    #[cfg_attr(docsrs, doc(cfg(feature = "bundled-roots")))]
    Bundled,
    /// Only those that are given with
    /// [`ca_file`](crate::ReqwestTransportBuilder::ca_file) and
    /// [`ca_pem`](crate::ReqwestTransportBuilder::ca_pem).
    Given,
}

/// Who does TLS. Which there are is for the features to say; which is used is for the builder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsBackend {
    /// rustls. The default where it is built in.
    #[cfg(feature = "rustls-no-provider")]
    #[cfg_attr(docsrs, doc(cfg(feature = "rustls-no-provider")))]
    Rustls,
    /// The operating system's library: Secure Channel, Secure Transport or OpenSSL.
    ///
    /// It does not say by type that a certificate is not accepted: that is a failed connection here,
    /// retried like any other.
    #[cfg(feature = "native-tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "native-tls")))]
    Native,
}

impl Default for TlsBackend {
    fn default() -> Self {
        #[cfg(feature = "rustls-no-provider")]
        return Self::Rustls;
        #[cfg(not(feature = "rustls-no-provider"))]
        return Self::Native;
    }
}

type BoxError = Box<dyn StdError + Send + Sync>;

/// What a caller says about trust; nothing is read before it is built.
#[derive(Clone, Default)]
pub(super) struct Trust {
    pub(super) backend: TlsBackend,
    pub(super) roots: Roots,
    pub(super) files: Vec<PathBuf>,
    pub(super) pems: Vec<Vec<u8>>,
    pub(super) identity: Option<SecretSlice<u8>>,
}

/// The same, read and checked.
pub(super) struct Checked {
    pub(super) backend: TlsBackend,
    pub(super) roots: Roots,
    pub(super) extra: Vec<CertificateDer<'static>>,
    pub(super) identity: Option<Identity>,
}

/// A certificate of ours, with those that lead to its root, and its key.
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

/// Settings with TLS.
pub(super) struct SetUp {
    pub(super) settings: reqwest::ClientBuilder,
    #[cfg(feature = "rustls-no-provider")]
    pub(super) asked: Option<std::sync::Arc<super::certificate::Asked>>,
}

impl Trust {
    /// Reads the files and checks what is in them.
    pub(super) fn read(&self) -> Result<Checked, Error> {
        let mut extra = Vec::new();
        for path in &self.files {
            let field = format!("ca_file {}", path.display());
            let pem = std::fs::read(path).map_err(|error| {
                let rule = format!("cannot be read: {}", why(&error));
                Error::invalid_config(&field, &rule).with_source(error)
            })?;
            extra.extend(self.authorities(&field, &pem)?);
        }
        for pem in &self.pems {
            extra.extend(self.authorities("ca_pem", pem)?);
        }
        if self.roots == Roots::Given && extra.is_empty() {
            return Err(Error::invalid_config(
                "roots",
                "are to be those given, and none is: give ca_file or ca_pem",
            ));
        }
        let identity = match &self.identity {
            Some(pem) => Some(identity(pem.expose_secret())?),
            None => None,
        };
        Ok(Checked {
            backend: self.backend,
            roots: self.roots,
            extra,
            identity,
        })
    }

    /// Looked at here, where it is known who gave them.
    fn authorities(&self, field: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
        let read = certificates(field, pem)?;
        for certificate in &read {
            self.look_at(certificate).map_err(|error| {
                Error::invalid_config(field, "holds a certificate that cannot be read")
                    .with_source(error)
            })?;
        }
        Ok(read)
    }

    fn look_at(&self, certificate: &CertificateDer<'static>) -> Result<(), BoxError> {
        match self.backend {
            #[cfg(feature = "rustls-no-provider")]
            TlsBackend::Rustls => {
                let mut store = rustls::RootCertStore::empty();
                store.add(certificate.clone()).map_err(Into::into)
            }
            #[cfg(feature = "native-tls")]
            TlsBackend::Native => {
                let read = reqwest::Certificate::from_der(certificate);
                read.map(drop).map_err(Into::into)
            }
        }
    }
}

/// How many are given; neither paths, nor certificates, nor keys.
impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust")
            .field("backend", &self.backend)
            .field("roots", &self.roots)
            .field("given", &(self.files.len() + self.pems.len()))
            .finish_non_exhaustive()
    }
}

impl Checked {
    /// Sets it on `settings`. `alpn` is what is offered, most wanted first.
    pub(super) fn apply(
        self,
        settings: reqwest::ClientBuilder,
        alpn: &'static [&'static str],
    ) -> Result<SetUp, Error> {
        match self.backend {
            #[cfg(feature = "rustls-no-provider")]
            TlsBackend::Rustls => {
                let made = rustls_set_up::config(self, alpn)?;
                Ok(SetUp {
                    settings: settings.tls_backend_preconfigured(made.config),
                    asked: made.asked,
                })
            }
            #[cfg(feature = "native-tls")]
            TlsBackend::Native => {
                // reqwest offers by ALPN what its own version setting says.
                let _ = alpn;
                Ok(SetUp {
                    settings: native::apply(self, settings)?,
                    #[cfg(feature = "rustls-no-provider")]
                    asked: None,
                })
            }
        }
    }
}

/// Why a file cannot be read, in words that are the same on every system; the system's own are the
/// cause.
pub(super) fn why(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        kind => kind.to_string(),
    }
}

fn certificates(field: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        // What the parser says may repeat what it met; that may be a key.
        _ => Err(Error::invalid_config(
            field,
            "is not PEM: a file of -----BEGIN CERTIFICATE----- blocks is needed",
        )),
    }
}

fn identity(pem: &[u8]) -> Result<Identity, Error> {
    let chain = certificates("client_certificate", pem)?;
    let key = PrivateKeyDer::from_pem_slice(pem).ok().ok_or_else(|| {
        Error::invalid_config(
            "client_certificate",
            "has no private key: put the -----BEGIN PRIVATE KEY----- block beside the certificate",
        )
    })?;
    Ok(Identity { chain, key })
}
