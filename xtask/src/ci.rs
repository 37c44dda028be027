//! `cargo xtask ci`: the other commands as jobs, cheap ones first, timed, and all of them run even
//! if one fails.

use crate::clock::Stopwatch;
use crate::command::Command;
use crate::outcome::{Failure, Outcome};
use crate::project::Project;
use crate::{bench, deny, docs, features, lint, loom, package, parts, readme, test, tidy};

pub(crate) const COMMAND: Command = Command {
    name: "ci",
    arguments: "[job…]",
    summary: "everything that must pass before a change lands, or these jobs",
    run,
};

struct Job {
    name: &'static str,
    run: fn(&Project) -> Result<Outcome, Failure>,
}

/// From a second to minutes. All but the last four build with all features, and so what one builds
/// (`clippy`, `docs` and `package` check; `test` and `bench` run) serves the next.
const JOBS: &[Job] = &[
    job("fmt", lint::layout),
    job("tidy", |project| tidy::run(project, &[])),
    job("deny", deny::run_installing),
    job("clippy", lint::lints),
    job("docs", |project| docs::run(project, &[])),
    job("package", |project| package::run(project, &[])),
    job("test", |project| test::run(project, &[])),
    job("loom", |project| loom::run(project, &[])),
    job("bench", bench::smoke),
    job("count", bench::instructions::check),
    job("readme", |project| readme::run(project, &[])),
    job("features", |project| features::run(project, &[])),
    job("parts", |project| parts::run(project, &[])),
];

const fn job(name: &'static str, run: fn(&Project) -> Result<Outcome, Failure>) -> Job {
    Job { name, run }
}

/// How one job went.
struct Report {
    name: &'static str,
    seconds: f64,
    result: Result<Outcome, Failure>,
}

pub(crate) fn run(project: &Project, arguments: &[String]) -> Result<Outcome, Failure> {
    let mut reports = Vec::new();
    for job in chosen(arguments)? {
        eprintln!("\n=== {} ===", job.name);
        let watch = Stopwatch::start();
        let result = (job.run)(project);
        if let Err(failure) = &result {
            eprintln!("{}: {failure}", job.name);
        }
        reports.push(Report {
            name: job.name,
            seconds: watch.elapsed().as_secs_f64(),
            result,
        });
    }
    println!("\n{}", summary(&reports));
    let failed: Vec<&str> = reports
        .iter()
        .filter(|report| report.result.is_err())
        .map(|report| report.name)
        .collect();
    if failed.is_empty() {
        return Ok(Outcome::Passed);
    }
    let again = failed.join(" ");
    Err(Failure::Failed(format!(
        "{again} failed; `cargo xtask ci {again}` runs just that"
    )))
}

/// The jobs named, in our order; all of them if none is.
fn chosen(names: &[String]) -> Result<Vec<&'static Job>, Failure> {
    if let Some(unknown) = names
        .iter()
        .find(|name| JOBS.iter().all(|job| job.name != **name))
    {
        let known: Vec<&str> = JOBS.iter().map(|job| job.name).collect();
        let known = known.join(", ");
        return Err(Failure::Usage(format!(
            "there is no job `{unknown}`; there are: {known}"
        )));
    }
    let wanted = |job: &&Job| names.is_empty() || names.iter().any(|name| name == job.name);
    Ok(JOBS.iter().filter(wanted).collect())
}

fn summary(reports: &[Report]) -> String {
    let total: f64 = reports.iter().map(|report| report.seconds).sum();
    let lines: String = reports.iter().map(Report::line).collect();
    format!(
        "{:<10}{:>8}  result\n{lines}{:<10}{total:>8.1}",
        "job", "seconds", "total"
    )
}

impl Report {
    fn line(&self) -> String {
        let result = match &self.result {
            Ok(Outcome::Passed) => "ok".to_owned(),
            Ok(Outcome::PassedBut(note)) => format!("ok, but {note}"),
            Ok(Outcome::Skipped(why)) => format!("skipped: {why}"),
            // The whole of it stands where it happened, above.
            Err(_) => "FAILED".to_owned(),
        };
        format!("{:<10}{:>8.1}  {result}\n", self.name, self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_run_in_our_order_whatever_the_order_asked_for() {
        let names = ["test".to_owned(), "fmt".to_owned()];
        let chosen: Vec<&str> = chosen(&names).unwrap().iter().map(|job| job.name).collect();
        assert_eq!(chosen, ["fmt", "test"]);
    }

    #[test]
    fn an_unknown_job_is_a_usage_error_that_lists_the_jobs() {
        let Err(Failure::Usage(line)) = chosen(&["tests".to_owned()]) else {
            panic!("accepted")
        };
        assert!(
            line.contains("`tests`") && line.contains("clippy"),
            "{line}"
        );
    }

    #[test]
    fn the_summary_says_what_failed_and_why_something_was_skipped() {
        let reports = [
            Report {
                name: "fmt",
                seconds: 1.0,
                result: Ok(Outcome::Passed),
            },
            Report {
                name: "deny",
                seconds: 2.0,
                result: Ok(Outcome::Skipped("no tool".into())),
            },
            Report {
                name: "test",
                seconds: 3.5,
                result: Err(Failure::Failed("long".into())),
            },
        ];
        let table = summary(&reports);
        assert!(table.contains("skipped: no tool"), "{table}");
        assert!(table.contains("test           3.5  FAILED"), "{table}");
        assert!(table.contains("total          6.5"), "{table}");
    }
}
