//! Which of our crates may depend on which: the picture in ARCHITECTURE.md, enforced.
//!
//! Arrows point down only and siblings never see each other, through normal, build and development
//! dependencies alike: a test that needs two siblings belongs in `tests/`.

use toml::{Table, Value};

use super::Finding;
use super::tree::{Manifest, Tree};

/// Where a person finds the table below.
const TABLE: &str = "EDGES in xtask/src/tidy/edges.rs";

/// A crate and all that it may use of ours.
struct Row {
    package: &'static str,
    uses: Uses,
}

enum Uses {
    /// These and no others.
    These(&'static [Edge]),
    /// Any of ours: it joins what is apart everywhere else.
    Anything,
}

struct Edge {
    to: &'static str,
    features: Features,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Features {
    /// Whichever the crate needs.
    Any,
    /// None: the crate below must stay as small as it can be.
    NoFeatures,
}

/// The allowed edges, complete. A new one is a decision for an ADR, not for a manifest.
const EDGES: &[Row] = &[
    row("evenkeel-error", &[]),
    row("evenkeel-backoff", &[bare("evenkeel-error")]),
    row("evenkeel-breaker", &[bare("evenkeel-error")]),
    row("evenkeel-messages", &[to("evenkeel-error")]),
    row("evenkeel-transport", &[to("evenkeel-error")]),
    row("evenkeel-event", &[to("evenkeel-error")]),
    row("evenkeel-telemetry", &[to("evenkeel-event")]),
    row("evenkeel-pager", &[to("evenkeel-event")]),
    row(
        "evenkeel",
        &[
            to("evenkeel-error"),
            to("evenkeel-backoff"),
            to("evenkeel-breaker"),
            to("evenkeel-messages"),
            to("evenkeel-transport"),
            to("evenkeel-event"),
            to("evenkeel-telemetry"),
            to("evenkeel-pager"),
        ],
    ),
    row("evenkeel-simulator", &[to("evenkeel-transport")]),
    row("evenkeel-cli", &[to("evenkeel"), to("evenkeel-simulator")]),
    Row {
        package: "evenkeel-tests",
        uses: Uses::Anything,
    },
    Row {
        package: "evenkeel-benches",
        uses: Uses::Anything,
    },
    Row {
        package: "evenkeel-instructions",
        uses: Uses::Anything,
    },
    Row {
        package: "evenkeel-examples",
        uses: Uses::Anything,
    },
    row("xtask", &[]),
];

const fn row(package: &'static str, edges: &'static [Edge]) -> Row {
    Row {
        package,
        uses: Uses::These(edges),
    }
}

const fn to(to: &'static str) -> Edge {
    Edge {
        to,
        features: Features::Any,
    }
}

const fn bare(to: &'static str) -> Edge {
    Edge {
        to,
        features: Features::NoFeatures,
    }
}

/// An edge as a manifest draws it.
struct Drawn<'a> {
    to: &'a str,
    /// The table of the manifest that draws it, as written there.
    section: String,
    features: Vec<&'a str>,
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.manifests()
        .iter()
        .flat_map(|manifest| check_member(tree, manifest))
        .collect()
}

fn check_member(tree: &Tree, manifest: &Manifest) -> Vec<Finding> {
    let from = &manifest.name;
    let error = |message: String| Finding::error(&manifest.path, message);
    let Some(row) = EDGES.iter().find(|row| row.package == from) else {
        return vec![error(format!(
            "{from} has no row in the table of allowed edges ({TABLE})"
        ))];
    };
    let Uses::These(allowed) = row.uses else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for drawn in drawn(tree, manifest) {
        let Drawn {
            to,
            section,
            features,
        } = drawn;
        let Some(edge) = allowed.iter().find(|edge| edge.to == to) else {
            findings.push(error(format!(
                "{from} → {to} in [{section}] is not an allowed edge; the table is {TABLE}"
            )));
            continue;
        };
        if edge.features == Features::NoFeatures && !features.is_empty() {
            let features = features.join(", ");
            findings.push(error(format!(
                "{from} → {to} in [{section}] turns on `{features}`, but this edge is allowed \
                 without features only; the table is {TABLE}"
            )));
        }
    }
    findings
}

/// The edges to our own crates in all tables of a manifest, platform tables included.
fn drawn<'a>(tree: &'a Tree, manifest: &'a Manifest) -> Vec<Drawn<'a>> {
    let mut drawn = drawn_in(tree, &manifest.table, "");
    if let Some(targets) = manifest.table.get("target").and_then(Value::as_table) {
        for (target, tables) in targets {
            if let Some(tables) = tables.as_table() {
                drawn.extend(drawn_in(tree, tables, &format!("target.{target}.")));
            }
        }
    }
    if let Some(features) = manifest.table.get("features").and_then(Value::as_table) {
        let values = features.values().filter_map(Value::as_array).flatten();
        for (name, feature) in values.filter_map(|value| value.as_str()?.split_once('/')) {
            // `part/feature` and `part?/feature` turn on a feature of an edge drawn elsewhere.
            let to = resolve(
                tree,
                manifest.table.get("dependencies"),
                name.trim_end_matches('?'),
            );
            if is_ours(to) {
                drawn.push(Drawn {
                    to,
                    section: "features".into(),
                    features: vec![feature],
                });
            }
        }
    }
    drawn
}

fn drawn_in<'a>(tree: &'a Tree, tables: &'a Table, prefix: &str) -> Vec<Drawn<'a>> {
    let mut drawn = Vec::new();
    for section in ["dependencies", "build-dependencies", "dev-dependencies"] {
        let Some(dependencies) = tables.get(section) else {
            continue;
        };
        for (key, value) in dependencies.as_table().into_iter().flatten() {
            let to = resolve(tree, Some(dependencies), key);
            if is_ours(to) {
                let here = value.get("features");
                // A member that takes an edge from the workspace takes its features too.
                let is_shared = value.get("workspace").and_then(Value::as_bool) == Some(true);
                let shared = tree
                    .shared(&["workspace", "dependencies", key, "features"])
                    .filter(|_| is_shared);
                let lists = here.into_iter().chain(shared);
                let features = lists
                    .filter_map(Value::as_array)
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect();
                drawn.push(Drawn {
                    to,
                    section: format!("{prefix}{section}"),
                    features,
                });
            }
        }
    }
    drawn
}

/// The package behind a key, which may be renamed in the member or in the workspace.
fn resolve<'a>(tree: &'a Tree, dependencies: Option<&'a Value>, key: &'a str) -> &'a str {
    let here = dependencies.and_then(|table| table.get(key)?.get("package")?.as_str());
    let shared = || {
        tree.shared(&["workspace", "dependencies", key, "package"])?
            .as_str()
    };
    here.or_else(shared).unwrap_or(key)
}

fn is_ours(package: &str) -> bool {
    package == "evenkeel" || package.starts_with("evenkeel-") || package == "xtask"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::Weight;

    fn errors(files: &[(&str, &str)]) -> Vec<String> {
        let findings = check(&Tree::of(files));
        assert!(
            findings
                .iter()
                .all(|finding| finding.weight == Weight::Error)
        );
        findings.iter().map(Finding::to_string).collect()
    }

    fn backoff_with(rest: &str) -> Vec<String> {
        let manifest = format!(
            "[package]\nname = 'evenkeel-backoff'\n[dependencies]\nevenkeel-error.workspace = true\n\
             {rest}"
        );
        errors(&[("crates/evenkeel-backoff/Cargo.toml", &manifest)])
    }

    #[test]
    fn the_edges_of_the_blueprint_pass() {
        assert_eq!(backoff_with("rand = '0.10'\n"), Vec::<String>::new());
    }

    #[test]
    fn a_sibling_fails_and_the_message_names_crate_edge_and_table() {
        let errors = backoff_with("evenkeel-breaker.workspace = true\n");
        assert_eq!(
            errors,
            [
                "error: crates/evenkeel-backoff/Cargo.toml: evenkeel-backoff → evenkeel-breaker in \
              [dependencies] is not an allowed edge; the table is EDGES in \
              xtask/src/tidy/edges.rs"
            ]
        );
    }

    #[test]
    fn a_sibling_fails_in_every_table_of_the_manifest() {
        for section in [
            "dev-dependencies",
            "build-dependencies",
            "target.'cfg(unix)'.dependencies",
            "target.'cfg(unix)'.dev-dependencies",
        ] {
            let sibling = format!("[{section}]\nevenkeel-transport = {{ path = '../t' }}\n");
            assert_eq!(backoff_with(&sibling).len(), 1, "{section}");
        }
    }

    #[test]
    fn a_sibling_under_another_name_fails_too() {
        let here = "quiet = { package = 'evenkeel-breaker', path = '../evenkeel-breaker' }\n";
        assert!(backoff_with(here)[0].contains("→ evenkeel-breaker"));
        let shared = errors(&[
            (
                "Cargo.toml",
                "[workspace.dependencies]\nquiet = { package = 'evenkeel-breaker' }\n",
            ),
            (
                "crates/evenkeel-backoff/Cargo.toml",
                "[package]\nname = 'evenkeel-backoff'\n[dependencies]\nquiet.workspace = true\n",
            ),
        ]);
        assert!(shared[0].contains("→ evenkeel-breaker"), "{shared:?}");
    }

    #[test]
    fn an_arrow_that_points_up_fails() {
        let manifest = "[package]\nname = 'evenkeel-error'\n[dev-dependencies]\nevenkeel = '0.1'\n";
        let errors = errors(&[("crates/evenkeel-error/Cargo.toml", manifest)]);
        assert!(errors[0].contains("evenkeel-error → evenkeel in [dev-dependencies]"));
    }

    #[test]
    fn an_edge_allowed_without_features_may_not_turn_one_on() {
        let manifest = "[package]\nname = 'evenkeel-breaker'\n[dependencies]\n\
                        evenkeel-error = { workspace = true, features = ['claude'] }\n";
        let errors = errors(&[("crates/evenkeel-breaker/Cargo.toml", manifest)]);
        assert!(errors[0].contains("turns on `claude`"), "{errors:?}");
        let forwarded = backoff_with("[features]\nwire = ['evenkeel-error/claude']\n");
        assert!(
            forwarded[0].contains("in [features] turns on `claude`"),
            "{forwarded:?}"
        );
    }

    #[test]
    fn a_feature_that_the_workspace_turns_on_for_the_edge_counts_too() {
        let root =
            "[workspace.dependencies]\nevenkeel-error = { path = 'x', features = ['claude'] }\n";
        let manifest = "[package]\nname = 'evenkeel-breaker'\n[dependencies]\n\
                        evenkeel-error.workspace = true\n";
        let errors = errors(&[
            ("Cargo.toml", root),
            ("crates/evenkeel-breaker/Cargo.toml", manifest),
        ]);
        assert!(errors[0].contains("turns on `claude`"), "{errors:?}");
    }

    #[test]
    fn a_crate_without_a_row_fails() {
        let manifest = "[package]\nname = 'evenkeel-new'\n";
        let errors = errors(&[("crates/evenkeel-new/Cargo.toml", manifest)]);
        assert!(errors[0].contains("has no row"), "{errors:?}");
    }

    #[test]
    fn suites_and_benches_may_join_what_is_apart_and_xtask_may_not() {
        let uses = |name: &str, folder: &str| {
            let path = format!("{folder}/Cargo.toml");
            let manifest =
                format!("[package]\nname = '{name}'\n[dependencies]\nevenkeel-breaker = '0.1'\n");
            errors(&[(&path, &manifest)]).len()
        };
        assert_eq!(uses("evenkeel-tests", "tests"), 0);
        assert_eq!(uses("evenkeel-benches", "benches"), 0);
        assert_eq!(uses("xtask", "xtask"), 1);
    }

    #[test]
    fn the_table_itself_only_points_to_rows_above() {
        let mut above: Vec<&str> = Vec::new();
        for row in EDGES {
            if let Uses::These(edges) = &row.uses {
                for edge in *edges {
                    // The command line comes after the simulator, so the order proves: no cycle.
                    assert!(above.contains(&edge.to), "{} → {}", row.package, edge.to);
                }
            }
            above.push(row.package);
        }
    }
}
