//! What of the features this machine can build: `native-tls` is OpenSSL on Linux, whose headers are
//! not everywhere.

use std::path::Path;

use crate::project::{Package, Project};

/// The feature that needs them.
const FEATURE: &str = "native-tls";

/// Said aloud where they are missing.
pub(crate) const MISSING: &str = "the feature native-tls was left out: OpenSSL's headers are not here; \
     `apt-get install pkg-config libssl-dev` gets them on Debian";

/// Whether the feature can be built here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Headers {
    Here,
    Missing,
}

/// Looks where the build script of openssl-sys looks.
pub(crate) fn headers(project: &Project) -> Headers {
    let is_named = ["OPENSSL_DIR", "OPENSSL_INCLUDE_DIR"]
        .iter()
        .any(|variable| std::env::var_os(variable).is_some());
    let is_found = || {
        project.read("pkg-config", &["--exists", "openssl"]).is_ok()
            || Path::new("/usr/include/openssl/ssl.h").exists()
    };
    if !cfg!(target_os = "linux") || is_named || is_found() {
        Headers::Here
    } else {
        Headers::Missing
    }
}

/// The words for cargo that turn on every feature of these packages that can be built.
pub(crate) fn features(headers: Headers, packages: &[Package]) -> Vec<String> {
    if headers == Headers::Here {
        return vec!["--all-features".into()];
    }
    let names: Vec<String> = packages
        .iter()
        .flat_map(|package| {
            let buildable = package.features.iter().filter(|name| *name != FEATURE);
            buildable.map(|name| format!("{}/{name}", package.name))
        })
        .collect();
    vec!["--features".into(), names.join(",")]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packages() -> Vec<Package> {
        let mut client = Package::named("evenkeel");
        client.features = ["default", "native-tls", "retry"]
            .map(str::to_owned)
            .to_vec();
        let mut transport = Package::named("evenkeel-transport");
        transport.features = ["gzip", "native-tls"].map(str::to_owned).to_vec();
        vec![client, transport]
    }

    #[test]
    fn with_the_headers_every_feature_is_tested() {
        assert_eq!(features(Headers::Here, &packages()), ["--all-features"]);
    }

    #[test]
    fn without_them_one_feature_is_left_out_and_no_other() {
        assert_eq!(
            features(Headers::Missing, &packages()),
            [
                "--features",
                "evenkeel/default,evenkeel/retry,evenkeel-transport/gzip"
            ]
        );
    }
}
