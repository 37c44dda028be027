//! Instructions counted by callgrind, against the committed baseline: a measure that a busy machine does not change.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use crate::outcome::{Failure, Outcome};
use crate::project::Project;

const PACKAGE: &str = "evenkeel-instructions";
const BASELINE: &str = "benches/instructions/baseline.txt";
/// More than this share above its baseline fails a case; more than this below asks for a new baseline.
const TOLERANCE: f64 = 0.02;
const INSTALL: &str = "install valgrind to count instructions (`apt-get install valgrind`)";

/// What to do with the counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Compare,
    /// They are the new baseline.
    Accept,
}

/// The committed counts, and what they hold for.
#[derive(Debug, Default, PartialEq)]
struct Baseline {
    /// The compiler and the target: with another one the counts say nothing.
    toolchain: String,
    counts: BTreeMap<String, f64>,
}

/// The job of CI: all of them, and where they cannot be counted, aloud why.
pub(crate) fn check(project: &Project) -> Result<Outcome, Failure> {
    run(project, "", Then::Compare)
}

pub(super) fn run(project: &Project, prefix: &str, then: Then) -> Result<Outcome, Failure> {
    if project.read("valgrind", &["--version"]).is_err() {
        return Ok(Outcome::Skipped(INSTALL.to_owned()));
    }
    let path = project.root().join(BASELINE);
    let mut baseline = parse(&std::fs::read_to_string(&path).unwrap_or_default())?;
    let toolchain = toolchain(project)?;
    if then == Then::Compare && baseline.toolchain != toolchain {
        return Ok(Outcome::Skipped(format!(
            "{BASELINE} was counted with {}, and this is {toolchain}; `cargo xtask bench --instructions --accept` \
             counts anew",
            baseline.toolchain
        )));
    }
    let counts = count(project, prefix)?;
    println!("{}", table(&baseline, &counts));
    if then == Then::Accept {
        baseline.toolchain = toolchain;
        baseline.counts.retain(|case, _| !case.starts_with(prefix));
        baseline.counts.extend(counts);
        std::fs::write(&path, text(&baseline))
            .map_err(|error| Failure::Failed(format!("{BASELINE} cannot be written: {error}")))?;
        return Ok(Outcome::Passed);
    }
    verdict(&baseline, &counts)
}

fn toolchain(project: &Project) -> Result<String, Failure> {
    let version = project.read("rustc", &["--version", "--verbose"])?;
    let field = |name: &str| {
        let mut lines = version.lines();
        lines
            .find_map(|line| line.strip_prefix(name))
            .unwrap_or("?")
            .trim()
            .to_owned()
    };
    Ok(format!("rustc {} {}", field("release:"), field("host:")))
}

/// Instructions a run, of each case whose name starts so.
fn count(project: &Project, prefix: &str) -> Result<BTreeMap<String, f64>, Failure> {
    project.cargo(&["build", "--profile", "bench", "--package", PACKAGE])?;
    let program: PathBuf = project.target_folder()?.join("release").join(PACKAGE);
    let program = program.to_string_lossy().into_owned();
    let listed = project.read(&program, &[])?;
    let mut counts = BTreeMap::new();
    for line in listed.lines() {
        let (case, runs) = line
            .split_once(' ')
            .and_then(|(case, runs)| Some((case, runs.parse::<u32>().ok()?)))
            .ok_or_else(|| Failure::Failed(format!("{PACKAGE} lists `{line}`")))?;
        if !case.starts_with(prefix) {
            continue;
        }
        eprintln!("  counting {case}");
        let once = collected(project, &program, case, runs)?;
        let thrice = collected(project, &program, case, runs * 3)?;
        // The first run of the process and its start are in both, and fall out.
        let more = thrice.saturating_sub(once);
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        let each = more as f64 / (2.0 * f64::from(runs));
        counts.insert(case.to_owned(), each);
    }
    Ok(counts)
}

fn collected(project: &Project, program: &str, case: &str, runs: u32) -> Result<u64, Failure> {
    let runs = runs.to_string();
    let log = project.target_folder()?.join("callgrind.log");
    let log_file = format!("--log-file={}", log.display());
    let tool = [
        "--tool=callgrind",
        "--callgrind-out-file=/dev/null",
        &log_file,
    ];
    project.read("valgrind", &[&tool[..], &[program, case, &runs]].concat())?;
    let log = std::fs::read_to_string(&log)
        .map_err(|error| Failure::Failed(format!("valgrind's log cannot be read: {error}")))?;
    let collected = log.lines().find_map(|line| line.split_once("Collected :"));
    collected
        .and_then(|(_, count)| count.trim().parse().ok())
        .ok_or_else(|| Failure::Failed(format!("valgrind counted nothing for {case}: {log}")))
}

fn parse(text: &str) -> Result<Baseline, Failure> {
    let mut baseline = Baseline::default();
    for line in text.lines() {
        if let Some(toolchain) = line.strip_prefix("toolchain ") {
            toolchain.clone_into(&mut baseline.toolchain);
        } else if !line.is_empty() && !line.starts_with('#') {
            let read = line
                .split_once(' ')
                .and_then(|(case, count)| Some((case, count.parse().ok()?)));
            let (case, count) =
                read.ok_or_else(|| Failure::Failed(format!("{BASELINE} has the line `{line}`")))?;
            baseline.counts.insert(case.to_owned(), count);
        }
    }
    Ok(baseline)
}

fn text(baseline: &Baseline) -> String {
    let mut text = format!(
        "# Instructions a run, counted by callgrind: `cargo xtask bench --instructions` compares, with `--accept` it writes\n\
         # this file.\n\
         toolchain {}\n",
        baseline.toolchain
    );
    for (case, count) in &baseline.counts {
        // Writing to a string does not fail.
        _ = writeln!(text, "{case} {count:.1}");
    }
    text
}

fn table(baseline: &Baseline, counts: &BTreeMap<String, f64>) -> String {
    let mut table =
        "| case | instructions a run | baseline | change |\n| --- | ---: | ---: | ---: |\n"
            .to_owned();
    for (case, count) in counts {
        let (before, change) = match baseline.counts.get(case) {
            Some(before) => (
                format!("{before:.1}"),
                format!("{:+.1} %", change(*before, *count) * 100.0),
            ),
            None => ("–".to_owned(), "new".to_owned()),
        };
        _ = writeln!(table, "| {case} | {count:.1} | {before} | {change} |");
    }
    table
}

/// 0.02 for two in a hundred more. A tenth of an instruction is the grain of the file and counts as none.
fn change(before: f64, now: f64) -> f64 {
    if (now - before).abs() <= 0.1 {
        return 0.0;
    }
    (now - before) / before.max(1.0)
}

fn verdict(baseline: &Baseline, counts: &BTreeMap<String, f64>) -> Result<Outcome, Failure> {
    let accept = "`cargo xtask bench --instructions --accept` makes them the baseline";
    let (mut worse, mut better) = (vec![], vec![]);
    for (case, count) in counts {
        let change = baseline
            .counts
            .get(case)
            .map_or(f64::INFINITY, |before| change(*before, *count));
        if change > TOLERANCE {
            worse.push(case.as_str());
        } else if change < -TOLERANCE {
            better.push(case.as_str());
        }
    }
    if !worse.is_empty() {
        let worse = worse.join(", ");
        return Err(Failure::Failed(format!(
            "more instructions than the baseline allows: {worse}; if that is meant, {accept}"
        )));
    }
    if !better.is_empty() {
        return Ok(Outcome::PassedBut(format!(
            "{} need fewer now; {accept}",
            better.join(", ")
        )));
    }
    Ok(Outcome::Passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(counts: &[(&str, f64)]) -> BTreeMap<String, f64> {
        counts
            .iter()
            .map(|(case, count)| ((*case).to_owned(), *count))
            .collect()
    }

    fn baseline() -> Baseline {
        Baseline {
            toolchain: "rustc 1.0.0 here".into(),
            counts: counted(&[("a/b", 100.0), ("a/c", 4.0)]),
        }
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        assert_eq!(parse(&text(&baseline())), Ok(baseline()));
    }

    #[test]
    fn two_in_a_hundred_more_pass_and_three_fail_by_name() {
        assert_eq!(
            verdict(&baseline(), &counted(&[("a/b", 102.0)])),
            Ok(Outcome::Passed)
        );
        let Err(Failure::Failed(line)) =
            verdict(&baseline(), &counted(&[("a/b", 103.0), ("a/c", 4.0)]))
        else {
            panic!("accepted")
        };
        assert!(line.contains("allows: a/b; if"), "{line}");
    }

    #[test]
    fn a_case_without_a_baseline_fails_and_one_that_got_cheaper_is_said() {
        assert!(verdict(&baseline(), &counted(&[("a/new", 1.0)])).is_err());
        let cheaper = verdict(&baseline(), &counted(&[("a/b", 90.0)]));
        assert!(
            matches!(cheaper, Ok(Outcome::PassedBut(note)) if note.starts_with("a/b need fewer"))
        );
    }

    #[test]
    fn a_line_that_is_no_count_is_named() {
        let Err(Failure::Failed(line)) = parse("a/b many") else {
            panic!("accepted")
        };
        assert!(line.contains("`a/b many`"), "{line}");
    }
}
