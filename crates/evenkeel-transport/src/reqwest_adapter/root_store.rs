use super::trust::{Checked, Roots};

/// Against what certificates are checked, as people are told of it.
pub(super) struct RootStore {
    pub(super) name: String,
    /// What to do for an authority that is missing there.
    pub(super) mend: &'static str,
}

impl RootStore {
    /// What the roots are called in a message about a certificate, and how one is added.
    pub(super) fn of(checked: &Checked) -> Self {
        let by_hand = if cfg!(target_os = "android") {
            "add it to that store"
        } else {
            "add it there, or with ca_file"
        };
        let (name, mend) = match checked.roots {
            Roots::System if is_set(CERT_FILE) => ("the file that SSL_CERT_FILE names", by_hand),
            Roots::System if is_set(CERT_DIR) => {
                ("the directories that SSL_CERT_DIR names", by_hand)
            }
            Roots::System => ("the operating system's root store", by_hand),
            #[cfg(feature = "bundled-roots")]
            Roots::Bundled => ("the bundled root certificates", "add it with ca_file"),
            Roots::Given => ("the given CA certificates", "add it with ca_file"),
        };
        let name = if checked.extra.is_empty() || checked.roots == Roots::Given {
            name.to_owned()
        } else {
            format!("{name} nor among the given CA certificates")
        };
        Self { name, mend }
    }
}

/// Where OpenSSL and rustls look for the system's certificates instead.
pub(super) const CERT_FILE: &str = "SSL_CERT_FILE";
pub(super) const CERT_DIR: &str = "SSL_CERT_DIR";

/// Whether the loader of the system's certificates looks there instead. It does so on the systems
/// whose verifier is not asked.
pub(super) fn is_set(variable: &str) -> bool {
    cfg!(all(
        unix,
        not(target_vendor = "apple"),
        not(target_os = "android")
    )) && std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}
