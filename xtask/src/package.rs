//! `cargo xtask package`: what would go to the registry, made, looked at and built.
//!
//! All published members are packaged together, so that cargo resolves their edges to each other
//! within the set and nothing needs to be on the registry yet. Then the archives are unpacked side
//! by side and built from what they hold. cargo's own verification is left out: it unpacks our
//! crates into its cache by name and version, and so builds against what an earlier run left there
//! as long as the version stays.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::command::Command;
use crate::outcome::{Failure, Outcome, takes_none};
use crate::project::{Package, Project};

pub(crate) const COMMAND: Command = Command {
    name: "package",
    arguments: "",
    summary: "package every published crate and build it from its archive",
    run,
};

/// What every archive must hold: a user of one crate sees nothing of the rest of the repository.
const REQUIRED: &[&str] = &["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];

/// As in the root's manifest: with the same profile, dependencies built for it serve here too.
const PROFILE: &str = "[profile.dev]\ndebug = \"line-tables-only\"\n";

pub(crate) fn run(project: &Project, arguments: &[String]) -> Result<Outcome, Failure> {
    takes_none(arguments)?;
    let published = project.published()?;
    look_inside(project, &published)?;
    let mut line = vec!["package", "--no-verify", "--allow-dirty"];
    for package in &published {
        line.extend(["--package", &package.name]);
    }
    project.cargo(&line)?;
    build_from_archives(project, &published)
}

/// Fails on a package whose archive would lack something.
fn look_inside(project: &Project, published: &[Package]) -> Result<(), Failure> {
    let mut wrong = Vec::new();
    for package in published {
        let list = [
            "package",
            "--list",
            "--allow-dirty",
            "--package",
            &package.name,
        ];
        let missing = missing(&project.read_cargo(&list)?);
        if !missing.is_empty() {
            wrong.push(format!("{} lacks {}", package.name, missing.join(", ")));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let wrong = wrong.join("; ");
    Err(Failure::Failed(format!(
        "incomplete archives: {wrong}; the licences are links, `ln -s ../../LICENSE-MIT` makes one"
    )))
}

/// Unpacks the archives into one workspace and checks it with all features, as docs.rs builds them.
fn build_from_archives(project: &Project, published: &[Package]) -> Result<Outcome, Failure> {
    let archives = project.target_folder()?.join("package");
    let unpacked = archives.join("unpacked");
    if unpacked.exists() {
        fs::remove_dir_all(&unpacked).map_err(|error| cannot("clear", &unpacked, &error))?;
    }
    fs::create_dir_all(&unpacked).map_err(|error| cannot("make", &unpacked, &error))?;
    let into = unpacked.to_string_lossy();
    for package in published {
        let archive = archives.join(format!("{}.crate", folder_of(package)));
        project.read("tar", &["-xzf", &archive.to_string_lossy(), "-C", &into])?;
    }
    let manifest = unpacked.join("Cargo.toml");
    fs::write(&manifest, workspace_of(published))
        .map_err(|error| cannot("write", &manifest, &error))?;
    // The versions that everything else was tested with.
    let lock = unpacked.join("Cargo.lock");
    fs::copy(project.root().join("Cargo.lock"), &lock)
        .map_err(|error| cannot("write", &lock, &error))?;
    let manifest = manifest.to_string_lossy();
    let target = project.target_folder()?;
    let target = target.to_string_lossy();
    let build = [
        "check",
        "--workspace",
        "--all-features",
        "--manifest-path",
        &manifest,
        "--target-dir",
        &target,
    ];
    project.cargo(&build)?;
    Ok(Outcome::Passed)
}

/// A manifest that joins the unpacked crates and points their edges to each other.
fn workspace_of(published: &[Package]) -> String {
    let folders: Vec<String> = published.iter().map(folder_of).collect();
    let mut manifest = format!(
        "[workspace]\nresolver = \"3\"\nmembers = {folders:?}\n\n{PROFILE}\n[patch.crates-io]\n"
    );
    for (package, folder) in published.iter().zip(&folders) {
        // Writing to a string cannot fail.
        let _ = writeln!(manifest, "{} = {{ path = {folder:?} }}", package.name);
    }
    manifest
}

/// What cargo calls the archive, and the folder within it.
fn folder_of(package: &Package) -> String {
    format!("{}-{}", package.name, package.version)
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::Failed(format!("cannot {what} {}: {error}", path.display()))
}

/// The required files that a list as `cargo package --list` prints it lacks.
fn missing(list: &str) -> Vec<&'static str> {
    let has = |file: &str| list.lines().any(|line| line == file);
    REQUIRED.iter().copied().filter(|file| !has(file)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_without_its_licence_is_incomplete() {
        let list = "Cargo.toml\nLICENSE-MIT\nREADME.md\nsrc/lib.rs\ndocs/LICENSE-APACHE\n";
        assert_eq!(missing(list), ["LICENSE-APACHE"]);
    }

    #[test]
    fn the_unpacked_crates_see_each_other_and_not_the_registry() {
        let manifest: toml::Table = workspace_of(&[Package::named("evenkeel-error")])
            .parse()
            .unwrap();
        let edge = &manifest["patch"]["crates-io"]["evenkeel-error"];
        assert_eq!(edge["path"].as_str(), Some("evenkeel-error-0.1.0"));
        assert_eq!(manifest["workspace"]["members"][0], edge["path"]);
    }
}
