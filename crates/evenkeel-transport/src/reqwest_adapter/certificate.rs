//! What is wrong with a certificate: whose it is, against which roots, and what to do.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use evenkeel_error::{Delivery, Error};
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, CertificateError, SignatureScheme};

use super::root_store::RootStore;

/// What a TLS error says about trust in `who`; `None` where it is about something else.
///
/// `roots` is the root store, where it is known; `unwritten` is whether there was no connection to write
/// the request on.
pub(super) fn verdict(
    error: &rustls::Error,
    who: &str,
    roots: Option<&RootStore>,
    unwritten: bool,
) -> Option<Error> {
    let message = match error {
        rustls::Error::InvalidCertificate(reason) => server(reason, who, roots),
        rustls::Error::NoCertificatesPresented => format!("{who} presents no certificate"),
        rustls::Error::AlertReceived(alert) if is_about_ours(*alert) => format!(
            "{who} does not accept the client certificate, or asks for one; set client_certificate"
        ),
        _ => return None,
    };
    // That none was shown a server says before it can read anything: its side of the handshake is not
    // over without one, and rustls offers none later (RFC 8446 §4.4.2.4, §4.6.2). All else may be said
    // at any time.
    let in_handshake =
        *error == rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
    let delivery = delivery(unwritten || in_handshake);
    Some(Error::untrusted(delivery).with_message_naming_hosts(message))
}

fn delivery(is_unsent: bool) -> Delivery {
    if is_unsent {
        Delivery::NotSent
    } else {
        Delivery::Unknown
    }
}

fn server(reason: &CertificateError, who: &str, roots: Option<&RootStore>) -> String {
    let (roots, mend) = match roots {
        Some(store) => (&*store.name, store.mend),
        None => ("the root store in use", "add it there"),
    };
    match reason {
        CertificateError::UnknownIssuer => format!(
            "the certificate of {who} is signed by an authority that is not in {roots}; if you trust it, \
             {mend}"
        ),
        CertificateError::BadSignature => format!(
            "the certificate of {who} is signed by an authority whose name is known from {roots}, and not \
             its key, as after a renewal; if you trust it, {mend}"
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => format!(
            "the certificate of {who} has expired; it is for whoever runs {who} to renew, unless \
             the clock of this machine is wrong"
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            format!("the certificate of {who} is not valid yet; check the clock of this machine")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!(
                "the certificate that was presented for {who} is for another name; check base_url, \
                 and who answers in its place"
            )
        }
        CertificateError::Revoked => format!("the certificate of {who} is revoked"),
        _ => {
            format!("the certificate of {who} is not accepted against {roots}; the cause says why")
        }
    }
}

/// Alerts by which a server refuses the certificate of a client, or the want of one.
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

/// The alert by which a connection of HTTP/2 was ended.
///
/// h2 keeps of an I/O error its kind and its text, and rustls has a kind for what is wrong with TLS. The
/// text is compared with what the same rustls prints of each alert, so that nothing hangs on its words;
/// one that is not found is a connection that was lost, as any.
pub(super) fn alert_over_http2(error: &io::Error) -> Option<rustls::Error> {
    if error.kind() != io::ErrorKind::InvalidData {
        return None;
    }
    let text = error.get_ref()?.to_string();
    (0..=u8::MAX)
        .map(|number| rustls::Error::AlertReceived(number.into()))
        .find(|alert| alert.to_string() == text)
}

/// Stands in the place of a client certificate where there is none, and notes whether one was asked for.
///
/// A server's refusal is not always read: where a large body is being written the connection is gone before
/// the alert is.
#[derive(Debug, Default)]
pub(super) struct Asked {
    asked: AtomicBool,
    /// Once there was an answer, it was asked for out of courtesy.
    answered: AtomicBool,
}

impl Asked {
    pub(super) fn note_answer(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    /// What is probably the matter with a connection that was lost.
    pub(super) fn hint(&self, host: &str) -> Option<String> {
        let in_vain = self.asked.load(Ordering::Relaxed) && !self.answered.load(Ordering::Relaxed);
        in_vain.then(|| {
            format!("{host} asked for a client certificate and hung up; set client_certificate")
        })
    }
}

impl ResolvesClientCert for Asked {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_error::Recovery;

    use super::*;

    #[test]
    fn a_certificate_of_ours_that_is_refused_says_so_and_other_faults_are_not_about_trust() {
        let alert = rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
        let error = verdict(&alert, "gateway.example", None, false).unwrap();
        assert_eq!(error.delivery(), Delivery::NotSent);
        assert_eq!(error.recovery(), Recovery::Never);
        insta::assert_snapshot!(
            error.message().unwrap(),
            @"gateway.example does not accept the client certificate, or asks for one; set client_certificate"
        );
        let alert = rustls::Error::AlertReceived(AlertDescription::InternalError);
        assert!(verdict(&alert, "gateway.example", None, true).is_none());
        assert!(verdict(&rustls::Error::HandshakeNotComplete, "x", None, true).is_none());
    }

    #[test]
    fn an_alert_proves_that_nothing_was_sent_only_while_there_was_nothing_to_write_on() {
        for alert in (0..=u8::MAX).map(AlertDescription::from) {
            let error = rustls::Error::AlertReceived(alert);
            let said = |unwritten| Some(verdict(&error, "x", None, unwritten)?.delivery());
            if !is_about_ours(alert) {
                assert_eq!(said(true), None);
                continue;
            }
            assert_eq!(said(true), Some(Delivery::NotSent), "{alert:?}");
            let later = match alert {
                AlertDescription::CertificateRequired => Delivery::NotSent,
                _ => Delivery::Unknown,
            };
            assert_eq!(said(false), Some(later), "{alert:?}");
        }
    }

    #[test]
    fn every_alert_is_known_again_by_what_http_2_leaves_of_it() {
        for alert in (0..=u8::MAX).map(AlertDescription::from) {
            let typed = rustls::Error::AlertReceived(alert);
            let left = io::Error::new(io::ErrorKind::InvalidData, typed.to_string());
            assert_eq!(alert_over_http2(&left), Some(typed.clone()));
            let other = io::Error::new(io::ErrorKind::BrokenPipe, typed.to_string());
            assert_eq!(alert_over_http2(&other), None);
        }
        let other = io::Error::new(io::ErrorKind::InvalidData, "received corrupt message");
        assert_eq!(alert_over_http2(&other), None);
        assert_eq!(alert_over_http2(&io::ErrorKind::InvalidData.into()), None);
    }

    #[test]
    fn a_certificate_was_asked_for_in_vain_until_there_is_an_answer() {
        let asked = Asked::default();
        assert!(asked.hint("x").is_none());
        assert!(asked.resolve(&[], &[]).is_none());
        insta::assert_snapshot!(
            asked.hint("192.0.2.1").unwrap(),
            @"192.0.2.1 asked for a client certificate and hung up; set client_certificate"
        );
        asked.note_answer();
        assert!(asked.hint("x").is_none());
    }
}
