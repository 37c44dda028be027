//! rustls, set up by us rather than by reqwest: so the features of whoever shares reqwest with us
//! change nothing, no provider is a panic, and the root store is one that we can name.

use std::sync::Arc;

use evenkeel_error::Error;
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_pki_types::CertificateDer;
use rustls_platform_verifier::Verifier;

use super::trust::{Checked, Roots, Unavailable};

const NO_ROOTS: Unavailable = "is https, but this machine has no root certificates: install \
     ca-certificates, set SSL_CERT_FILE, give ca_file, or choose bundled roots";

pub(super) fn config(
    checked: Checked,
    alpn: &[&str],
) -> Result<Result<ClientConfig, Unavailable>, Error> {
    let provider = provider()?;
    let builder = versions(Arc::clone(&provider))?;
    let builder = match checked.roots {
        Roots::System => match system(checked.extra, provider)? {
            Some(verifier) => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier)),
            None => return Ok(Err(NO_ROOTS)),
        },
        #[cfg(feature = "bundled-roots")]
        Roots::Bundled => {
            let bundled = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned();
            builder.with_root_certificates(store(bundled.chain(checked.extra))?)
        }
        Roots::Given => builder.with_root_certificates(store(checked.extra.into_iter())?),
    };
    let mut config = match checked.identity {
        None => builder.with_no_client_auth(),
        Some(identity) => builder
            .with_client_auth_cert(identity.chain, identity.key)
            .map_err(|error| {
                Error::invalid_config(
                    "client_certificate",
                    "and its key do not fit together, or are of a kind that is not supported",
                )
                .with_source(error)
            })?,
    };
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Ok(Ok(config))
}

fn versions(
    provider: Arc<CryptoProvider>,
) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, Error> {
    let builder = ClientConfig::builder_with_provider(provider);
    builder
        .with_safe_default_protocol_versions()
        .map_err(|error| {
            Error::invalid_config("tls", "has a crypto provider without TLS 1.2 and 1.3")
                .with_source(error)
        })
}

/// What the process has installed goes first: a program that must use a certified module says so once.
/// None is an error before reqwest looks, which would panic.
pub(super) fn provider() -> Result<Arc<CryptoProvider>, Error> {
    let provider = CryptoProvider::get_default().cloned();
    #[cfg(feature = "rustls")]
    let provider =
        provider.or_else(|| Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider())));
    #[cfg(all(feature = "ring", not(feature = "rustls")))]
    let provider = provider.or_else(|| Some(Arc::new(rustls::crypto::ring::default_provider())));
    provider.ok_or_else(|| {
        Error::invalid_config(
            "tls",
            "has no crypto provider: install one with CryptoProvider::install_default of rustls, or \
             enable the feature `rustls` or `ring`",
        )
    })
}

/// The platform's verifier, or `None` where the machine has no roots at all.
fn system(
    extra: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Option<Verifier>, Error> {
    if extra.is_empty() {
        return Ok(Verifier::new(provider).ok());
    }
    // Looked at first: what the verifier says does not tell ours from the system's.
    let _ = store(extra.iter().cloned())?;
    #[cfg(not(target_os = "android"))]
    return Ok(Verifier::new_with_extra_roots(extra, provider).ok());
    #[cfg(target_os = "android")]
    return Err(Error::invalid_config(
        "ca_file",
        "cannot be added to the roots of this platform; choose the given roots only",
    ));
}

fn store(
    certificates: impl Iterator<Item = CertificateDer<'static>>,
) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    for certificate in certificates {
        store.add(certificate).map_err(|error| {
            Error::invalid_config("ca_file", "holds a certificate that cannot be read")
                .with_source(error)
        })?;
    }
    Ok(store)
}

/// A set-up that accepts nobody, for clients that do not speak TLS.
pub(super) fn trusting_nobody() -> Result<ClientConfig, Error> {
    let config = versions(provider()?)?.with_root_certificates(RootCertStore::empty());
    Ok(config.with_no_client_auth())
}
