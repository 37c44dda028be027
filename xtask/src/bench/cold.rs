//! What a first build costs: a program with the facade beside one that does the same call by hand.

use std::path::Path;

use super::PEERS;
use crate::clock::Stopwatch;
use crate::outcome::{Failure, Outcome};
use crate::project::Project;

/// The bench that this is a part of.
pub(super) const BENCH: &str = "client";

const BY_HAND: Program = Program {
    name: "reqwest + serde + tokio",
    package: "peers-cold-reqwest",
};
const OURS: Program = Program {
    name: "evenkeel + tokio",
    package: "peers-cold-ours",
};
/// Both once a round, and first in turn: a build takes a minute and more, most of it a C library that both have.
const ROUNDS: [[Program; 2]; 2] = [[BY_HAND, OURS], [OURS, BY_HAND]];
/// The part of a user's patience that a client may take.
const AIM: f64 = 1.25;
/// What `/proc` counts in, on every Linux that Rust runs on.
const TICKS_A_SECOND: f64 = 100.0;

#[derive(Clone, Copy)]
struct Program {
    name: &'static str,
    package: &'static str,
}

/// Seconds of one build.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cost {
    /// Of cargo and of all that it started.
    cpu: f64,
    wall: f64,
}

pub(super) fn run(project: &Project) -> Result<Outcome, Failure> {
    if !Path::new("/proc/self/stat").exists() {
        let note = "the CPU time of a build is read from /proc, which this system does not have";
        return Ok(Outcome::Skipped(note.into()));
    }
    let manifest = format!("{PEERS}/Cargo.toml");
    // What follows must not wait for a network.
    project.cargo(&["fetch", "--locked", "--manifest-path", &manifest])?;
    let (mut by_hand, mut ours) = (vec![], vec![]);
    for program in ROUNDS.into_iter().flatten() {
        let costs = if program.package == OURS.package {
            &mut ours
        } else {
            &mut by_hand
        };
        costs.push(build(project, &manifest, program)?);
    }
    let (base, cost) = (least(&by_hand), least(&ours));
    println!("| program | CPU, s | CPU × | wall, s | wall × | crates |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for (program, of) in [(BY_HAND, base), (OURS, cost)] {
        println!(
            "| {} | {:.1} | {:.2} | {:.1} | {:.2} | {} |",
            program.name,
            of.cpu,
            of.cpu / base.cpu,
            of.wall,
            of.wall / base.wall,
            crates(project, &manifest, program)?,
        );
    }
    let ratio = cost.cpu / base.cpu;
    let met = if ratio <= AIM { "met" } else { "**missed**" };
    println!(
        "\nAim: CPU × ≤ {AIM}: {met}. Each the least of {}.",
        ROUNDS.len()
    );
    Ok(Outcome::Passed)
}

/// Builds it in a folder that is empty, and empties it again.
fn build(project: &Project, manifest: &str, program: Program) -> Result<Cost, Failure> {
    let folder = project.target_folder()?.join("cold").join(program.package);
    let empty = || match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Failure::Failed(
            format!("{} cannot be emptied: {error}", folder.display()),
        )),
        _ => Ok(()),
    };
    empty()?;
    let shown = folder.to_string_lossy();
    let (before, watch) = (cpu_of_children()?, Stopwatch::start());
    project.cargo_with(
        &[
            "build",
            "--quiet",
            "--locked",
            "--offline",
            "--manifest-path",
            manifest,
            "--package",
            program.package,
            "--target-dir",
            &shown,
        ],
        // As a user has it, whatever this machine is set to: a cache in front of the compiler would answer instead.
        &[("RUSTC_WRAPPER", ""), ("CARGO_INCREMENTAL", "1")],
    )?;
    let wall = watch.elapsed().as_secs_f64();
    let cpu = cpu_of_children()? - before;
    eprintln!("{}: {cpu:.1} s of CPU in {wall:.1} s", program.name);
    empty()?;
    Ok(Cost { cpu, wall })
}

/// Seconds that all that was started from here, and has ended, was on a processor: less noise than the clock on a
/// machine that others use, too.
fn cpu_of_children() -> Result<f64, Failure> {
    let failed = |reason: &str| Failure::Failed(format!("/proc/self/stat: {reason}"));
    let statistics =
        std::fs::read_to_string("/proc/self/stat").map_err(|error| failed(&error.to_string()))?;
    cpu_in(&statistics).ok_or_else(|| failed("the times of children are not where they should be"))
}

/// The 16th and the 17th field; the second is a name that may hold spaces, in brackets.
fn cpu_in(statistics: &str) -> Option<f64> {
    let (_, from_the_third) = statistics.rsplit_once(") ")?;
    let mut times = from_the_third.split(' ').skip(13);
    let mut ticks = || times.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_A_SECOND)
}

/// What disturbs a build only makes it slower.
fn least(costs: &[Cost]) -> Cost {
    let least = |of: fn(&Cost) -> f64| costs.iter().map(of).fold(f64::INFINITY, f64::min);
    Cost {
        cpu: least(|cost| cost.cpu),
        wall: least(|cost| cost.wall),
    }
}

fn crates(project: &Project, manifest: &str, program: Program) -> Result<usize, Failure> {
    let tree = project.read_cargo(&[
        "tree",
        "--locked",
        "--offline",
        "--manifest-path",
        manifest,
        "--package",
        program.package,
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p}",
        "--no-dedupe",
    ])?;
    let mut lines: Vec<&str> = tree.lines().collect();
    lines.sort_unstable();
    lines.dedup();
    Ok(lines.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_children_are_read_past_a_name_with_spaces_and_brackets() {
        let line = "7 (a ) b) S 1 7 7 0 -1 4194560 1 2 3 4 10 20 150 75 39 19 1 0 99\n";
        assert_eq!(cpu_in(line), Some(2.25));
        assert_eq!(cpu_in("7 (cut) S 1 7"), None);
    }

    #[test]
    fn a_build_counts_by_the_round_that_was_least_disturbed() {
        let of = |cpu, wall| Cost { cpu, wall };
        assert_eq!(least(&[of(2.0, 5.0), of(3.0, 4.0)]), of(2.0, 4.0));
    }
}
