//! How many crates each of ours brings: what the table of README.md says, counted again.

use std::collections::BTreeSet;

use crate::outcome::Failure;
use crate::project::Project;

/// For which machine is counted, whatever the one that counts: other systems need other crates.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// One figure of the table: this package with these features needs so many crates, itself included.
#[derive(Debug, PartialEq, Eq)]
struct Count<'a> {
    package: &'a str,
    features: &'a str,
    crates: usize,
}

/// Asks `cargo tree` for each figure.
pub(super) fn check(project: &Project, readme: &str) -> Result<(), Failure> {
    let stated = stated(readme)?;
    if stated.is_empty() {
        return Err(Failure::Failed(
            "README.md has no table whose last column counts crates".into(),
        ));
    }
    let mut wrong = Vec::new();
    for count in stated {
        let look = ["tree", "--locked", "--edges", "normal", "--target", TARGET];
        let show = ["--prefix", "none", "--format", "{p}"];
        let what = ["--package", count.package, "--no-default-features"];
        let with = ["--features", count.features];
        let tree = project.read_cargo(&[&look[..], &show, &what, &with].concat())?;
        let crates = distinct(&tree);
        if crates != count.crates {
            wrong.push(format!(
                "{} with features `{}` needs {crates} crates, README.md says {}",
                count.package, count.features, count.crates
            ));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Failure::Failed(wrong.join("; ")))
}

/// The figures in rows such as ``| [`name`](…) | … | 30, with `default` 107 |``.
fn stated(readme: &str) -> Result<Vec<Count<'_>>, Failure> {
    let rows = readme.lines().filter_map(|line| {
        let row = line.strip_prefix("| [`")?.strip_suffix(" |")?;
        let (package, row) = row.split_once('`')?;
        let (_, cell) = row.rsplit_once("| ")?;
        Some((package, cell))
    });
    let parts = rows.flat_map(|(package, cell)| cell.split(", ").map(move |part| (package, part)));
    parts.map(|(package, part)| figure(package, part)).collect()
}

/// A figure that is not understood would be one that nobody counts.
fn figure<'a>(package: &'a str, part: &'a str) -> Result<Count<'a>, Failure> {
    let (features, crates) = part
        .strip_prefix("with `")
        .and_then(|part| part.split_once("` "))
        .unwrap_or(("", part));
    let Ok(crates) = crates.parse() else {
        return Err(Failure::Failed(format!(
            "README.md says `{part}` of the crates that {package} needs: write `30`, or ``with `feature` 30``"
        )));
    };
    Ok(Count {
        package,
        features,
        crates,
    })
}

/// The crates in a tree printed as `name vX.Y.Z`, each once.
fn distinct(tree: &str) -> usize {
    let names = tree
        .lines()
        .map(|line| line.trim_end_matches("(*)").trim())
        .filter(|line| !line.is_empty());
    names.collect::<BTreeSet<&str>>().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_of_the_table_is_read_and_nothing_else() {
        let readme = "| [`a`](crates/a) | 7 things, with `x` 8 | 30, with `default` 107 |\n\
            | [`b`](crates/b) | one | 2 |\n| `c` | one | 2 |\nSome 12 words.\n[`d`](d) | one |\n";
        let count = |package, features, crates| Count {
            package,
            features,
            crates,
        };
        assert_eq!(
            stated(readme).unwrap(),
            [
                count("a", "", 30),
                count("a", "default", 107),
                count("b", "", 2)
            ]
        );
    }

    #[test]
    fn a_figure_that_is_not_understood_is_an_error_and_not_passed_over() {
        for cell in [
            "about 30",
            "30, with `default` ~107",
            "30 and more",
            "30,107",
            "with 4",
        ] {
            let readme = format!("| [`a`](crates/a) | one | {cell} |\n");
            let Err(Failure::Failed(line)) = stated(&readme) else {
                panic!("{cell}");
            };
            assert!(line.contains("of the crates that a needs"), "{line}");
        }
    }

    #[test]
    fn a_crate_that_two_need_is_counted_once_and_two_versions_are_two() {
        let tree = "a v0.1.0 (/x)\nsyn v3.0.9\nsyn v2.0.1\nsyn v3.0.9 (*)\n\n";
        assert_eq!(distinct(tree), 3);
    }
}
