//! rustls, set up by us rather than by reqwest: so the features of whoever shares reqwest with us
//! change nothing, no provider is a panic, and the root store is one that we can name.

use std::env::var_os;
use std::sync::Arc;

use evenkeel_error::Error;
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_pki_types::CertificateDer;
use rustls_platform_verifier::Verifier;

use super::certificate::Asked;
use super::root_store::{CERT_DIR, CERT_FILE, is_set};
use super::trust::{Checked, Roots, why};

/// A set-up for https, and the note of whether a server has asked for a certificate that we do not have.
pub(super) struct SetUp {
    pub(super) config: ClientConfig,
    pub(super) asked: Option<Arc<Asked>>,
}

pub(super) fn config(checked: Checked, alpn: &[&str]) -> Result<SetUp, Error> {
    let provider = provider()?;
    let builder = versions(Arc::clone(&provider))?;
    let builder = match checked.roots {
        Roots::System => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(system(checked.extra, provider)?)),
        #[cfg(feature = "bundled-roots")]
        Roots::Bundled => {
            let bundled = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned();
            builder.with_root_certificates(store(bundled.chain(checked.extra))?)
        }
        Roots::Given => builder.with_root_certificates(store(checked.extra.into_iter())?),
    };
    let (mut config, asked) = match checked.identity {
        None => {
            let asked = Arc::new(Asked::default());
            let config = builder.with_client_cert_resolver(Arc::clone(&asked) as _);
            (config, Some(asked))
        }
        Some(identity) => {
            let config = builder.with_client_auth_cert(identity.chain, identity.key);
            let config = config.map_err(|error| {
                Error::invalid_config(
                    "client_certificate",
                    "and its key do not fit together, or are of a kind that is not supported",
                )
                .with_source(error)
            })?;
            (config, None)
        }
    };
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Ok(SetUp { config, asked })
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

/// The platform's verifier.
fn system(
    extra: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Verifier, Error> {
    // A slip in its name would leave nobody to trust, or only those that are given: the loader goes on
    // without it.
    if let Some(path) = var_os(CERT_FILE).filter(|_| is_set(CERT_FILE) && !is_set(CERT_DIR)) {
        std::fs::File::open(&path).map_err(|error| {
            let path = path.display();
            let rule = format!("names {path}, which cannot be read: {}", why(&error));
            Error::invalid_config(CERT_FILE, &rule).with_source(error)
        })?;
    }
    if extra.is_empty() {
        return Verifier::new(provider).map_err(no_roots);
    }
    #[cfg(not(target_os = "android"))]
    return Verifier::new_with_extra_roots(extra, provider).map_err(no_roots);
    #[cfg(target_os = "android")]
    return Err(Error::invalid_config(
        "ca_file",
        "cannot be added to the roots of this platform; choose the given roots only",
    ));
}

fn no_roots(error: rustls::Error) -> Error {
    let named = |variable| {
        let path = var_os(variable).filter(|_| is_set(variable))?;
        Some(format!("{variable} names {}", path.to_string_lossy()))
    };
    let at_fault = match (named(CERT_FILE), named(CERT_DIR)) {
        (Some(file), Some(folder)) => {
            format!("{file} and {folder}, which hold no root certificates: correct or unset them")
        }
        (Some(one), None) | (None, Some(one)) => {
            format!("{one}, which holds no root certificates: correct or unset it")
        }
        (None, None) => format!(
            "this machine has no root certificates: install ca-certificates or set {CERT_FILE}"
        ),
    };
    // The command line, which has neither of the two, leaves them out.
    let rule = format!("is https, but {at_fault}; or give ca_file, or choose bundled roots");
    Error::invalid_config("base_url", &rule).with_source(error)
}

fn store(
    certificates: impl Iterator<Item = CertificateDer<'static>>,
) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    for certificate in certificates {
        store.add(certificate).map_err(|error| {
            Error::invalid_config("roots", "hold a certificate that cannot be read")
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
