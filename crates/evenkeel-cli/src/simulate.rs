//! `evenkeel simulate`: the simulator as a process, for programs in any language.

use std::io::ErrorKind;
use std::path::Path;

use evenkeel_simulator::{RateLimits, Scenario, Simulator};

use crate::command_line::Simulate;
use crate::exit::{Exit, Mistake};
use crate::terminal::Reader;
use crate::{input, layout, terminal};

/// The names of the scenarios, and the longest that may be.
const COLUMN: usize = 24;

pub(crate) async fn run(options: Simulate) -> Result<Exit, Mistake> {
    if options.list {
        for info in Scenario::catalogue() {
            let name = format!("{:<COLUMN$} ", info.name);
            let line = if terminal::is_read_by_a_person() {
                layout::wrapped(&name, COLUMN + 1, info.summary, terminal::width()).join("\n")
            } else {
                name + info.summary
            };
            if terminal::line(&line)? == Reader::Left {
                break;
            }
        }
        return Ok(Exit::Complete);
    }
    let name = options.scenario.as_deref().unwrap_or("healthy");
    let mut builder = Simulator::builder()
        .scenario(scenario(name)?)
        .limits(limits(&options));
    if let Some(port) = options.port {
        builder = builder.port(port);
    }
    let simulator = builder.start().await.map_err(|error| {
        let what = match error.kind() {
            ErrorKind::AddrInUse => "the simulator could not be started on the --port it was given",
            _ => "the simulator could not be started",
        };
        Mistake::system(what, &error)
    })?;
    // Whoever wanted this line only still wants the server.
    terminal::line(simulator.base_url())?;
    terminal::tell(format_args!(
        "scenario {name}; point a client here with ANTHROPIC_BASE_URL; what it sent is told by \
         GET /_simulator/journal; Ctrl-C stops it"
    ));
    std::future::pending().await
}

/// A scenario by name, or else a file.
fn scenario(name: &str) -> Result<Scenario, Mistake> {
    let unknown = match Scenario::named(name) {
        Ok(scenario) => return Ok(scenario),
        Err(unknown) => unknown,
    };
    let path = Path::new(name);
    if !path.exists() {
        let is_path = name.contains(['/', '\\', '.']);
        return Err(Mistake::usage(match std::env::current_dir() {
            Ok(directory) if is_path && path.is_relative() => {
                format!("--scenario: no file {name} in {}", directory.display())
            }
            _ if is_path => format!("--scenario: no file {name}"),
            _ => format!("--scenario: {unknown}, and no file of that name"),
        }));
    }
    let text = String::from_utf8(input::read(path, "--scenario")?)
        .map_err(|error| Mistake::usage(format!("--scenario {name} is not UTF-8: {error}")))?;
    Scenario::from_toml(&text)
        .map_err(|error| Mistake::usage(format!("--scenario {name}: {error}")))
}

fn limits(options: &Simulate) -> RateLimits {
    let mut limits = RateLimits::none();
    if let Some(requests) = options.rpm {
        limits = limits.requests_per_minute(requests);
    }
    if let Some(tokens) = options.itpm {
        limits = limits.input_tokens_per_minute(tokens);
    }
    if let Some(tokens) = options.otpm {
        limits = limits.output_tokens_per_minute(tokens);
    }
    limits
}
