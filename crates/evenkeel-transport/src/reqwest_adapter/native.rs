//! The operating system's TLS library, by way of reqwest.

use evenkeel_error::Error;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::trust::{Checked, Identity, Roots};

pub(super) fn apply(
    checked: Checked,
    settings: reqwest::ClientBuilder,
) -> Result<reqwest::ClientBuilder, Error> {
    let mut settings = settings.tls_backend_native();
    let extra = read(&checked.extra)?;
    settings = match checked.roots {
        Roots::System if extra.is_empty() => settings,
        Roots::System => settings.tls_certs_merge(extra),
        #[cfg(feature = "bundled-roots")]
        Roots::Bundled => {
            let mut all = read(webpki_root_certs::TLS_SERVER_ROOT_CERTS)?;
            all.extend(extra);
            settings.tls_certs_only(all)
        }
        Roots::Given => settings.tls_certs_only(extra),
    };
    match checked.identity {
        None => Ok(settings),
        Some(identity) => Ok(settings.identity(pkcs8(&identity)?)),
    }
}

fn read(certificates: &[CertificateDer<'_>]) -> Result<Vec<reqwest::Certificate>, Error> {
    let read: Result<_, _> = certificates
        .iter()
        .map(|certificate| reqwest::Certificate::from_der(certificate))
        .collect();
    read.map_err(|error: reqwest::Error| {
        Error::invalid_config("roots", "hold a certificate that cannot be read").with_source(error)
    })
}

fn pkcs8(identity: &Identity) -> Result<reqwest::Identity, Error> {
    let PrivateKeyDer::Pkcs8(key) = &identity.key else {
        return Err(Error::invalid_config(
            "client_certificate",
            "must have its key as PKCS #8 (-----BEGIN PRIVATE KEY-----)",
        ));
    };
    let chain: String = identity
        .chain
        .iter()
        .map(|certificate| pem("CERTIFICATE", certificate))
        .collect();
    let key = pem("PRIVATE KEY", key.secret_pkcs8_der());
    reqwest::Identity::from_pkcs8_pem(chain.as_bytes(), key.as_bytes()).map_err(|error| {
        Error::invalid_config(
            "client_certificate",
            "and its key do not fit together, or are of a kind that is not supported",
        )
        .with_source(error)
    })
}

/// RFC 7468.
fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in base64(der).as_bytes().chunks(64) {
        text.extend(line.iter().copied().map(char::from));
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word = group
            .iter()
            .chain(&[0; 3])
            .take(3)
            .fold(0_usize, |word, byte| word << 8 | usize::from(*byte));
        for place in 0..4 {
            let digit = DIGITS.get(word >> (18 - 6 * place) & 63).copied();
            let padding = place > group.len();
            text.push(if padding {
                '='
            } else {
                digit.map_or('=', char::from)
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_as_rfc_4648_has_it() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
