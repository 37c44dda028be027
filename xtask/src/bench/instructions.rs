//! Instructions counted by callgrind, against the committed baseline: a measure that a busy machine does not change.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::num::NonZeroU32;
use std::path::PathBuf;

use crate::outcome::{Failure, Outcome};
use crate::project::Project;

const PACKAGE: &str = "evenkeel-instructions";
const BASELINE: &str = "benches/instructions/baseline.txt";
/// More than this share above its baseline fails a case; more than this below asks for a new baseline.
const TOLERANCE: f64 = 0.02;
const ANEW: &str = "`cargo xtask bench --instructions --accept` counts anew";
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
        return match then {
            Then::Compare => Ok(Outcome::Skipped(INSTALL.to_owned())),
            Then::Accept => Err(Failure::Failed(INSTALL.to_owned())),
        };
    }
    let path = project.root().join(BASELINE);
    let baseline = match std::fs::read_to_string(&path) {
        Ok(text) => parse(&text)?,
        Err(error) if error.kind() == ErrorKind::NotFound && then == Then::Accept => {
            Baseline::default()
        }
        Err(error) => {
            return Err(Failure::Failed(format!(
                "{BASELINE} cannot be read: {error}; {ANEW}"
            )));
        }
    };
    let toolchain = toolchain(project)?;
    let is_other = baseline.toolchain != toolchain;
    if then == Then::Compare && is_other {
        return Ok(Outcome::Skipped(format!(
            "{BASELINE} was counted with {}, and this is {toolchain}; {ANEW}",
            baseline.toolchain
        )));
    }
    if is_other && !prefix.is_empty() && !baseline.counts.is_empty() {
        return Err(Failure::Usage(format!(
            "{BASELINE} was counted with {}: with {toolchain} all of it has to be accepted, not `{prefix}` alone",
            baseline.toolchain
        )));
    }
    let counts = count(project, prefix)?;
    println!("{}", table(&baseline, &counts));
    if then == Then::Accept {
        let baseline = accepted(baseline, toolchain, prefix, counts);
        std::fs::write(&path, text(&baseline))
            .map_err(|error| Failure::Failed(format!("{BASELINE} cannot be written: {error}")))?;
        return Ok(Outcome::Passed);
    }
    verdict(&baseline, prefix, &counts)
}

/// The baseline with these counts in place of those whose names start so.
fn accepted(
    mut baseline: Baseline,
    toolchain: String,
    prefix: &str,
    counts: BTreeMap<String, f64>,
) -> Baseline {
    baseline.toolchain = toolchain;
    baseline.counts.retain(|case, _| !case.starts_with(prefix));
    baseline.counts.extend(counts);
    baseline
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
            .and_then(|(case, runs)| Some((case, runs.parse::<NonZeroU32>().ok()?.get())))
            .ok_or_else(|| Failure::Failed(format!("{PACKAGE} lists `{line}`")))?;
        if !case.starts_with(prefix) {
            continue;
        }
        eprintln!("  counting {case}");
        let once = collected(project, &program, case, runs)?;
        let thrice = collected(project, &program, case, runs.saturating_mul(3))?;
        // The first run of the process and its start are in both, and fall out.
        let more = thrice.saturating_sub(once);
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        let each = more as f64 / (2.0 * f64::from(runs));
        counts.insert(case.to_owned(), each);
    }
    if counts.is_empty() {
        let known: Vec<&str> = listed
            .lines()
            .filter_map(|line| Some(line.split_once(' ')?.0))
            .collect();
        let known = known.join(", ");
        return Err(Failure::Usage(format!(
            "no case starts with `{prefix}`; there are: {known}"
        )));
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
                .and_then(|(case, count)| Some((case, count.parse().ok()?)))
                // What is not a number compares with nothing, and so would pass.
                .filter(|(_, count): &(&str, f64)| count.is_finite());
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

fn verdict(
    baseline: &Baseline,
    prefix: &str,
    counts: &BTreeMap<String, f64>,
) -> Result<Outcome, Failure> {
    let accept = "`cargo xtask bench --instructions --accept` makes them the baseline";
    let gone: Vec<&str> = baseline
        .counts
        .keys()
        .filter(|case| case.starts_with(prefix) && !counts.contains_key(*case))
        .map(String::as_str)
        .collect();
    if !gone.is_empty() {
        let gone = gone.join(", ");
        return Err(Failure::Failed(format!(
            "in the baseline, but no longer counted: {gone}; if that is meant, {ANEW}"
        )));
    }
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
            verdict(&baseline(), "a/b", &counted(&[("a/b", 102.0)])),
            Ok(Outcome::Passed)
        );
        let Err(Failure::Failed(line)) =
            verdict(&baseline(), "", &counted(&[("a/b", 103.0), ("a/c", 4.0)]))
        else {
            panic!("accepted")
        };
        assert!(line.contains("allows: a/b; if"), "{line}");
    }

    #[test]
    fn a_case_without_a_baseline_fails_and_one_that_got_cheaper_is_said() {
        let new = counted(&[("a/b", 100.0), ("a/c", 4.0), ("a/new", 1.0)]);
        let Err(Failure::Failed(line)) = verdict(&baseline(), "", &new) else {
            panic!("accepted")
        };
        assert!(line.contains("allows: a/new; if"), "{line}");
        let cheaper = verdict(&baseline(), "a/b", &counted(&[("a/b", 90.0)]));
        assert!(
            matches!(cheaper, Ok(Outcome::PassedBut(note)) if note.starts_with("a/b need fewer"))
        );
    }

    #[test]
    fn a_case_that_is_no_longer_counted_fails_by_name() {
        let Err(Failure::Failed(line)) = verdict(&baseline(), "a", &counted(&[("a/c", 4.0)]))
        else {
            panic!("accepted")
        };
        assert!(line.contains("no longer counted: a/b; if"), "{line}");
        // What was not asked for is not missed.
        assert!(verdict(&baseline(), "a/c", &counted(&[("a/c", 4.0)])).is_ok());
    }

    #[test]
    fn what_is_accepted_takes_the_place_of_what_was_asked_for_and_of_nothing_else() {
        let now = accepted(baseline(), "new".into(), "a/b", counted(&[("a/b2", 9.0)]));
        assert_eq!(now.counts, counted(&[("a/b2", 9.0), ("a/c", 4.0)]));
        assert_eq!(now.toolchain, "new");
    }

    #[test]
    fn a_line_that_is_no_count_is_named() {
        for wrong in ["a/b many", "a/b", "a/b NaN", "a/b inf"] {
            let Err(Failure::Failed(line)) = parse(wrong) else {
                panic!("accepted")
            };
            assert!(line.contains(&format!("`{wrong}`")), "{line}");
        }
    }
}
