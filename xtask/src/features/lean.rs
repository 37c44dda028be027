//! What a part must not bring along: HTTP clients, TLS, runtimes.

use crate::outcome::Failure;
use crate::project::{Package, Project};

/// What a crate that we keep out of the parts is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    HttpClient,
    Tls,
    /// TLS by a library of the operating system, which a build then needs headers of.
    SystemTls,
    Runtime,
}

use Kind::{HttpClient, Runtime, SystemTls, Tls};

const ANY_OF_THEM: &[Kind] = &[HttpClient, Tls, SystemTls, Runtime];

/// The crates kept out, by what they are.
const HEAVY: &[(&str, Kind)] = &[
    ("attohttpc", HttpClient),
    ("awc", HttpClient),
    ("curl", HttpClient),
    ("h2", HttpClient),
    ("h3", HttpClient),
    ("hyper", HttpClient),
    ("hyper-util", HttpClient),
    ("isahc", HttpClient),
    ("reqwest", HttpClient),
    ("surf", HttpClient),
    ("ureq", HttpClient),
    ("aws-lc-rs", Tls),
    ("aws-lc-sys", Tls),
    ("boring", Tls),
    ("native-tls", SystemTls),
    ("openssl", SystemTls),
    ("openssl-sys", SystemTls),
    ("ring", Tls),
    ("rustls", Tls),
    ("async-executor", Runtime),
    ("async-io", Runtime),
    ("async-std", Runtime),
    ("compio", Runtime),
    ("futures-executor", Runtime),
    ("glommio", Runtime),
    ("mio", Runtime),
    ("monoio", Runtime),
    ("smol", Runtime),
    ("tokio", Runtime),
];

/// A package that has to stay lean.
struct Part {
    package: &'static str,
    /// What it must not bring.
    without: &'static [Kind],
    reach: Reach,
}

/// Under which features the rule holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// None, each alone, all.
    EverySelection,
    /// None: its features are there to bring such crates.
    NoFeatures,
    /// The default features.
    Defaults,
}

const PARTS: &[Part] = &[
    part("evenkeel-error", ANY_OF_THEM, Reach::EverySelection),
    part("evenkeel-backoff", ANY_OF_THEM, Reach::EverySelection),
    part("evenkeel-breaker", ANY_OF_THEM, Reach::EverySelection),
    part("evenkeel-messages", ANY_OF_THEM, Reach::EverySelection),
    part("evenkeel-event", ANY_OF_THEM, Reach::EverySelection),
    part("evenkeel-transport", ANY_OF_THEM, Reach::NoFeatures),
    // Its timers are tokio's; the client and the TLS come with features.
    part("evenkeel", &[HttpClient, Tls, SystemTls], Reach::NoFeatures),
    // `cargo add evenkeel` builds on any machine with a C compiler.
    part("evenkeel", &[SystemTls], Reach::Defaults),
];

const fn part(package: &'static str, without: &'static [Kind], reach: Reach) -> Part {
    Part {
        package,
        without,
        reach,
    }
}

/// An exception: with this feature on, the package may bring this crate, no more of it than this.
struct Exception {
    package: &'static str,
    feature: &'static str,
    brings: &'static str,
    with_at_most: &'static [&'static str],
}

/// Clocks, locks and the handle of a runtime; no sockets, no files, no threads.
const TOKIO_TIME: &[&str] = &["default", "pin-project-lite", "rt", "sync", "time"];

/// The asynchronous shells sleep by tokio's clock.
const EXCEPTIONS: &[Exception] = &[
    shell("evenkeel-backoff", "tokio"),
    shell("evenkeel-backoff", "tower"),
    shell("evenkeel-breaker", "tokio"),
    shell("evenkeel-breaker", "tower"),
];

const fn shell(package: &'static str, feature: &'static str) -> Exception {
    Exception {
        package,
        feature,
        brings: "tokio",
        with_at_most: TOKIO_TIME,
    }
}

/// Asks `cargo tree` what the package brings under each selection that a rule covers.
pub(super) fn offences(project: &Project, package: &Package) -> Result<Vec<String>, Failure> {
    let mut offences = Vec::new();
    for part in PARTS.iter().filter(|part| part.package == package.name) {
        for selection in selections(part.reach, &super::optional(package)) {
            let chosen = selection.join(",");
            let look = [
                "tree", "--edges", "normal", "--target", "all", "--prefix", "none",
            ];
            let show = ["--format", "{p}|{f}", "--package", part.package];
            let with = ["--no-default-features", "--features", &chosen];
            let tree = project.read_cargo(&[&look[..], &show, &with].concat())?;
            offences.extend(offences_in(part, &selection, &tree));
        }
    }
    Ok(offences)
}

fn selections<'a>(reach: Reach, features: &[&'a str]) -> Vec<Vec<&'a str>> {
    match reach {
        Reach::NoFeatures => vec![vec![]],
        Reach::Defaults => vec![vec!["default"]],
        Reach::EverySelection => {
            let mut selections = vec![vec![]];
            selections.extend(features.iter().map(|feature| vec![*feature]));
            if features.len() > 1 {
                selections.push(features.to_vec());
            }
            selections
        }
    }
}

/// The pure half: one line per forbidden crate in a tree printed as `name vX.Y.Z|feature,feature`.
fn offences_in(part: &Part, selection: &[&str], tree: &str) -> Vec<String> {
    let mut offences: Vec<String> = Vec::new();
    for line in tree.lines() {
        let (package, features) = line.split_once('|').unwrap_or((line, ""));
        let name = package.split_whitespace().next().unwrap_or_default();
        let features = features.trim_end_matches("(*)").trim();
        let Some((_, kind)) = HEAVY.iter().find(|(heavy, _)| *heavy == name) else {
            continue;
        };
        if !part.without.contains(kind) {
            continue;
        }
        let allowed = exception(part.package, selection, name);
        let beyond: Vec<&str> = match allowed {
            None => Vec::new(),
            Some(allowed) => features
                .split(',')
                .filter(|feature| !feature.is_empty() && !allowed.contains(feature))
                .collect(),
        };
        let what = match allowed {
            None => kind.phrase().to_owned(),
            Some(_) if beyond.is_empty() => continue,
            Some(_) => format!("with more of it than allowed: {}", beyond.join(", ")),
        };
        let chosen = if selection.is_empty() {
            "no features".into()
        } else {
            selection.join(" and ")
        };
        let offence = format!(
            "{} with {chosen} brings {name}, {what} (`cargo tree -i {name}` says by whom; the rule \
             is in xtask/src/features/lean.rs)",
            part.package
        );
        if !offences.contains(&offence) {
            offences.push(offence);
        }
    }
    offences
}

/// The features that the crate may have, where an exception covers it.
fn exception(package: &str, selection: &[&str], brings: &str) -> Option<&'static [&'static str]> {
    let covers = |exception: &&Exception| {
        exception.package == package
            && exception.brings == brings
            && selection.contains(&exception.feature)
    };
    EXCEPTIONS
        .iter()
        .find(covers)
        .map(|exception| exception.with_at_most)
}

impl Kind {
    fn phrase(self) -> &'static str {
        match self {
            Self::HttpClient => "an HTTP client",
            Self::Tls => "TLS",
            Self::SystemTls => "the system's TLS",
            Self::Runtime => "a runtime",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff(selection: &[&str], tree: &str) -> Vec<String> {
        let part = PARTS
            .iter()
            .find(|part| part.package == "evenkeel-backoff")
            .unwrap();
        offences_in(part, selection, tree)
    }

    #[test]
    fn a_part_that_brings_an_http_client_is_named_once() {
        let tree =
            "evenkeel-backoff v0.1.0 (/x)|\nreqwest v0.13.5|stream\nreqwest v0.13.5|stream (*)\n";
        let offences = backoff(&[], tree);
        assert_eq!(offences.len(), 1);
        assert!(offences[0].contains("evenkeel-backoff with no features brings reqwest"));
        assert!(offences[0].contains("an HTTP client"));
    }

    #[test]
    fn a_part_may_bring_what_is_no_client_no_tls_and_no_runtime() {
        assert!(backoff(&[], "rand v0.10.3|\nserde v1.0.229|\nhttp v1.5.0|std\n").is_empty());
    }

    #[test]
    fn the_tokio_shell_may_bring_tokios_clock_and_nothing_more_of_it() {
        assert!(!backoff(&[], "tokio v1.54.0|time\n").is_empty());
        assert!(backoff(&["tokio"], "tokio v1.54.0|default,pin-project-lite,time\n").is_empty());
        let offences = backoff(&["tokio"], "tokio v1.54.0|net,time (*)\nmio v1.0.0|\n");
        assert!(
            offences[0].contains("more of it than allowed: net"),
            "{offences:?}"
        );
        assert!(
            offences[1].contains("brings mio, a runtime"),
            "{offences:?}"
        );
    }

    #[test]
    fn the_facade_without_features_may_have_a_runtime_but_no_client() {
        let facade = PARTS
            .iter()
            .find(|part| part.package == "evenkeel")
            .unwrap();
        assert!(offences_in(facade, &[], "tokio v1.54.0|sync,time\n").is_empty());
        assert_eq!(
            offences_in(facade, &[], "hyper v1.12.0|client\nrustls v0.23.46|\n").len(),
            2
        );
    }

    #[test]
    fn every_part_is_looked_at_bare_and_most_with_each_feature() {
        assert_eq!(
            selections(Reach::NoFeatures, &["a", "b"]),
            [Vec::<&str>::new()]
        );
        let all = selections(Reach::EverySelection, &["a", "b"]);
        assert_eq!(all, [vec![], vec!["a"], vec!["b"], vec!["a", "b"]]);
    }
}
