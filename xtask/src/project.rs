//! The workspace as cargo sees it, and how programs are run in it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::clock::{Stopwatch, pause};
use crate::outcome::Failure;

/// The workspace that the current folder belongs to.
pub(crate) struct Project {
    root: PathBuf,
    cargo: OsString,
}

/// What a member's manifest says, as far as the commands need it.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Whether this one goes to the registry.
    pub(crate) published: bool,
    /// Its features by name, `default` among them if it has one.
    pub(crate) features: Vec<String>,
    pub(crate) targets: Vec<Target>,
}

/// A target of a package: its kind is cargo's word (`lib`, `bin`, `test`, `bench`).
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: String,
}

#[cfg(test)]
impl Package {
    /// A published package made up for a test.
    pub(crate) fn named(name: &str) -> Self {
        let (name, version) = (name.to_owned(), "0.1.0".to_owned());
        Self {
            name,
            version,
            published: true,
            features: vec![],
            targets: vec![],
        }
    }
}

impl Package {
    /// The names of the targets of one kind.
    pub(crate) fn targets_of(&self, kind: &str) -> Vec<&str> {
        let of_kind = self.targets.iter().filter(|target| target.kind == kind);
        of_kind.map(|target| target.name.as_str()).collect()
    }
}

impl Project {
    /// Asks cargo at run time: a path compiled in would be wrong where clones share a target folder.
    pub(crate) fn locate() -> Result<Self, Failure> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let here = Self {
            root: PathBuf::from("."),
            cargo,
        };
        let manifest =
            here.read_cargo(&["locate-project", "--workspace", "--message-format", "plain"])?;
        let root = Path::new(manifest.trim()).parent().map(Path::to_path_buf);
        let root =
            root.ok_or_else(|| Failure::Failed("cargo names no workspace manifest".into()))?;
        Ok(Self {
            root,
            cargo: here.cargo,
        })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Runs cargo at the root, its output passed on as it comes; any exit code but 0 is a failure.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Result<(), Failure> {
        self.cargo_with(arguments, &[])
    }

    /// The same, with variables added to the environment.
    pub(crate) fn cargo_with(
        &self,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Result<(), Failure> {
        let shown = shown(arguments, variables);
        eprintln!("$ {shown}");
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        finish(command, &shown)
    }

    /// Runs a line of a shell at the root, without these variables and without input.
    pub(crate) fn shell(&self, line: &str, not_set: &[&str]) -> Result<(), Failure> {
        eprintln!("$ {line}");
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .current_dir(&self.root)
            .stdin(Stdio::null());
        for variable in not_set {
            command.env_remove(variable);
        }
        finish(command, line)
    }

    /// Runs cargo at the root and returns what it printed.
    pub(crate) fn read_cargo(&self, arguments: &[&str]) -> Result<String, Failure> {
        self.read_cargo_with(arguments, &[])
    }

    /// The same, with variables added to the environment.
    pub(crate) fn read_cargo_with(
        &self,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Result<String, Failure> {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        read(command, &shown(arguments, variables))
    }

    /// Runs another program at the root and returns what it printed.
    pub(crate) fn read(&self, program: &str, arguments: &[&str]) -> Result<String, Failure> {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.root);
        read(command, &format!("{program} {}", arguments.join(" ")))
    }

    /// Runs cargo in silence for at most `limit`; whether it ended well within it.
    pub(crate) fn try_cargo(&self, arguments: &[&str], limit: Duration) -> Result<Trial, Failure> {
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // A git below it must neither ask for a password nor outlive us by much.
        command.envs([
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_HTTP_LOW_SPEED_LIMIT", "1000"),
        ]);
        command.env("GIT_HTTP_LOW_SPEED_TIME", "20");
        let failed = |error: std::io::Error| not_started(&shown(arguments, &[]), &error);
        let mut child = command.spawn().map_err(failed)?;
        let watch = Stopwatch::start();
        loop {
            if let Some(status) = child.try_wait().map_err(failed)? {
                return Ok(if status.success() {
                    Trial::Succeeded
                } else {
                    Trial::Failed
                });
            }
            if watch.elapsed() >= limit {
                child.kill().and_then(|()| child.wait()).map_err(failed)?;
                return Ok(Trial::OutOfTime);
            }
            pause(Duration::from_millis(50));
        }
    }

    /// The members of the workspace.
    pub(crate) fn packages(&self) -> Result<Vec<Package>, Failure> {
        let metadata = self.metadata()?;
        let packages: Vec<Package> = list(&metadata, "packages").filter_map(package).collect();
        if packages.is_empty() {
            return Err(Failure::Failed("`cargo metadata` lists no packages".into()));
        }
        Ok(packages)
    }

    /// Where cargo builds.
    pub(crate) fn target_folder(&self) -> Result<PathBuf, Failure> {
        let folder = text(&self.metadata()?, "target_directory").map(PathBuf::from);
        folder.ok_or_else(|| Failure::Failed("`cargo metadata` names no target folder".into()))
    }

    /// The members that go to the registry.
    pub(crate) fn published(&self) -> Result<Vec<Package>, Failure> {
        let packages = self.packages()?.into_iter();
        Ok(packages.filter(|package| package.published).collect())
    }

    /// One member by name.
    pub(crate) fn package(&self, name: &str) -> Result<Package, Failure> {
        let found = self
            .packages()?
            .into_iter()
            .find(|package| package.name == name);
        found.ok_or_else(|| Failure::Failed(format!("the workspace has no package `{name}`")))
    }

    fn metadata(&self) -> Result<Value, Failure> {
        let metadata = self.read_cargo(&["metadata", "--no-deps", "--format-version", "1"])?;
        serde_json::from_str(&metadata)
            .map_err(|error| Failure::Failed(format!("`cargo metadata` is no JSON: {error}")))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.cargo);
        command.args(arguments).current_dir(&self.root);
        command
    }
}

/// How a bounded run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trial {
    Succeeded,
    Failed,
    OutOfTime,
}

/// Runs it to its end, its output passed on; any exit code but 0 is a failure.
fn finish(mut command: Command, shown: &str) -> Result<(), Failure> {
    let status = command
        .status()
        .map_err(|error| not_started(shown, &error))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::Failed(format!(
        "`{shown}` failed ({status}); its output is above"
    )))
}

fn read(mut command: Command, shown: &str) -> Result<String, Failure> {
    let output = command
        .output()
        .map_err(|error| not_started(shown, &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::Failed(format!(
            "`{shown}` failed: {}",
            said.trim()
        )));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn not_started(shown: &str, error: &std::io::Error) -> Failure {
    Failure::Failed(format!(
        "`{shown}` cannot run: {error}; is it installed and on the PATH?"
    ))
}

/// A command line as a person would type it.
fn shown(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let mut words: Vec<String> = variables
        .iter()
        .map(|(name, value)| format!("{name}='{value}'"))
        .collect();
    words.push("cargo".into());
    words.extend(arguments.iter().map(|argument| {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_=.,:/".contains(letter);
        if argument.chars().all(plain) {
            (*argument).to_owned()
        } else {
            format!("'{argument}'")
        }
    }));
    words.join(" ")
}

fn package(package: &Value) -> Option<Package> {
    Some(Package {
        name: text(package, "name")?,
        version: text(package, "version")?,
        // cargo writes `publish = false` as an empty list of registries.
        published: package.get("publish").is_none_or(Value::is_null),
        features: package
            .get("features")?
            .as_object()?
            .keys()
            .cloned()
            .collect(),
        targets: list(package, "targets").filter_map(target).collect(),
    })
}

fn target(target: &Value) -> Option<Target> {
    let kind = list(target, "kind").next()?.as_str()?.to_owned();
    Some(Target {
        name: text(target, "name")?,
        kind,
    })
}

fn text(value: &Value, key: &str) -> Option<String> {
    Some(value.get(key)?.as_str()?.to_owned())
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}
