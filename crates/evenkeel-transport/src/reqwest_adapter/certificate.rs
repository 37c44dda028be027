//! What is wrong with a certificate: whose it is, against which roots, and what to do.

use evenkeel_error::Error;
use rustls::{AlertDescription, CertificateError};

/// What a TLS error says about trust; `None` where it is about something else.
///
/// `roots` names the root store, where it is known.
pub(super) fn verdict(error: &rustls::Error, host: &str, roots: Option<&str>) -> Option<Error> {
    let message = match error {
        rustls::Error::InvalidCertificate(reason) => server(reason, host, roots),
        rustls::Error::NoCertificatesPresented => format!("{host} presents no certificate"),
        rustls::Error::AlertReceived(alert) if is_about_ours(*alert) => format!(
            "{host} does not accept the client certificate, or asks for one; set client_certificate"
        ),
        _ => return None,
    };
    Some(Error::untrusted().with_message(message))
}

fn server(reason: &CertificateError, host: &str, roots: Option<&str>) -> String {
    let roots = roots.unwrap_or("the root store in use");
    match reason {
        CertificateError::UnknownIssuer => format!(
            "the certificate of {host} is signed by an authority that is not in {roots}; if you trust \
             it, add it with ca_file or SSL_CERT_FILE"
        ),
        CertificateError::BadSignature => format!(
            "the certificate of {host} is signed by an authority whose name is known from {roots}, and not \
             its key, as after a renewal; if you trust it, add it with ca_file or SSL_CERT_FILE"
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => format!(
            "the certificate of {host} has expired; it is for whoever runs {host} to renew, unless \
             the clock of this machine is wrong"
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            format!("the certificate of {host} is not valid yet; check the clock of this machine")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!(
                "the certificate that was presented for {host} is for another name; check base_url, \
                 and who answers in its place"
            )
        }
        CertificateError::Revoked => format!("the certificate of {host} is revoked"),
        _ => {
            format!("the certificate of {host} is not accepted against {roots}; the cause says why")
        }
    }
}

/// Alerts by which a server refuses the certificate of a client, or the want of one. They come
/// during the handshake, before the server has read any of a request (RFC 8446 §4.4.2.4, §6.2).
fn is_about_ours(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::CertificateRequired
    )
}

#[cfg(test)]
mod tests {
    use evenkeel_error::{Delivery, Recovery};

    use super::*;

    #[test]
    fn a_certificate_of_ours_that_is_refused_says_so_and_other_faults_are_not_about_trust() {
        let alert = rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
        let error = verdict(&alert, "gateway.example", None).unwrap();
        assert_eq!(error.delivery(), Delivery::NotSent);
        assert_eq!(error.recovery(), Recovery::Never);
        insta::assert_snapshot!(
            error.message().unwrap(),
            @"gateway.example does not accept the client certificate, or asks for one; set client_certificate"
        );
        let alert = rustls::Error::AlertReceived(AlertDescription::InternalError);
        assert!(verdict(&alert, "gateway.example", None).is_none());
        assert!(verdict(&rustls::Error::HandshakeNotComplete, "x", None).is_none());
    }
}
