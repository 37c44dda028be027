use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::error::ErrorKind;
use clap::{
    ArgGroup, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum,
};
use evenkeel::Patience;

use crate::exit::{Exit, Mistake};
use crate::terminal;

/// Of the program, whichever of its commands is asked for its version.
const NAME: &str = "evenkeel";

/// Ask Claude, explain a failure, or simulate an outage.
#[derive(Debug, Parser)]
#[command(
    name = NAME,
    version,
    propagate_version = true,
    after_help = "\
To begin, without a key:
  evenkeel ask \"Hello\" --simulate overloaded-twice
  evenkeel demo"
)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send one request, and see it through
    #[command(display_name = NAME)]
    Ask(Box<Ask>),
    /// Say what a response from anywhere means, and what helps
    #[command(display_name = NAME)]
    Explain(Explain),
    /// Run a Claude API on this machine that misbehaves by script
    #[command(display_name = NAME)]
    Simulate(Simulate),
    /// Show every fault of the catalogue, and how it is handled
    #[command(display_name = NAME)]
    Demo,
}

/// Exit codes: 0 complete, 2 usage, 65 the request, 69 the server, 75 rate limit, 76 truncated or
/// not what was asked, 77 account and key, 78 configuration, 130 Ctrl-C.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0   complete              75  rate limit
  2   usage                 76  truncated, or not what was asked for
  65  the request           77  account, key, money
  69  the server            78  configuration
  130 Ctrl-C")]
pub(crate) struct Ask {
    /// The prompt; standard input if left out
    pub(crate) prompt: Option<String>,
    /// A whole Messages request in JSON, instead of a prompt (- for standard input)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["prompt", "model", "max_tokens", "system"])]
    pub(crate) request: Option<PathBuf>,
    /// The model [default: claude-sonnet-5-5]
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) model: Option<String>,
    /// Another model to ask when that one has no capacity, is silent or refuses; may be repeated
    #[arg(long = "fallback", value_name = "MODEL", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) fallbacks: Vec<String>,
    /// The longest reply, in tokens [default: 1024]
    #[arg(long, value_name = "N", value_parser = tokens, allow_negative_numbers = true)]
    pub(crate) max_tokens: Option<u32>,
    /// The system prompt
    #[arg(long, value_name = "TEXT")]
    pub(crate) system: Option<String>,
    /// Print the reply as it arrives
    #[arg(long)]
    pub(crate) stream: bool,
    /// Print one report in JSON instead of the reply
    #[arg(long)]
    pub(crate) json: bool,
    /// How long to go on without progress
    #[arg(long, value_enum, default_value_t = Waits::Background)]
    pub(crate) patience: Waits,
    /// When to end the call whatever happens, such as 30s or 2m
    #[arg(long, value_name = "TIME", value_parser = deadline)]
    pub(crate) deadline: Option<Duration>,
    /// Where the API is [default: the variable `ANTHROPIC_BASE_URL`, then the public API]
    #[arg(long, value_name = "URL", conflicts_with = "simulate")]
    pub(crate) base_url: Option<String>,
    /// Ask the built-in simulator; no key needed (evenkeel simulate --list)
    #[arg(long, value_name = "SCENARIO")]
    pub(crate) simulate: Option<String>,
    /// A header on the request, such as 'anthropic-beta: x'; may be repeated
    #[arg(long = "header", value_name = "K: V")]
    pub(crate) headers: Vec<Header>,
    /// Say more on standard error
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("response").args(["code", "status", "event"]).multiple(true).required(true))]
pub(crate) struct Explain {
    /// The HTTP status [default with --event: 200]
    #[arg(value_name = "STATUS", value_parser = status, conflicts_with = "status")]
    pub(crate) code: Option<u16>,
    /// The same, by name
    #[arg(long, value_name = "N", value_parser = status)]
    pub(crate) status: Option<u16>,
    /// A header of the response, such as 'retry-after: 20'; may be repeated
    #[arg(long = "header", value_name = "K: V")]
    pub(crate) headers: Vec<Header>,
    /// The body of the response (- for standard input)
    #[arg(long, value_name = "FILE")]
    pub(crate) body: Option<PathBuf>,
    /// The body is the data of an error event inside a stream [default body: standard input]
    #[arg(long)]
    pub(crate) event: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Simulate {
    /// The port to listen on [default: a free one]
    #[arg(long, value_name = "N", value_parser = port, allow_negative_numbers = true)]
    pub(crate) port: Option<u16>,
    /// A scenario by name, or a file [default: healthy]
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) scenario: Option<String>,
    /// Print the scenarios and stop
    #[arg(long)]
    pub(crate) list: bool,
    /// Enforce so many requests a minute
    #[arg(long, value_name = "N", value_parser = limit, allow_negative_numbers = true)]
    pub(crate) rpm: Option<NonZeroU32>,
    /// Enforce so many input tokens a minute
    #[arg(long, value_name = "N", value_parser = limit, allow_negative_numbers = true)]
    pub(crate) itpm: Option<NonZeroU32>,
    /// Enforce so many output tokens a minute
    #[arg(long, value_name = "N", value_parser = limit, allow_negative_numbers = true)]
    pub(crate) otpm: Option<NonZeroU32>,
}

/// Who waits for the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Waits {
    /// A person: 30 s, 4 attempts
    Interactive,
    /// A program: 10 minutes
    Background,
    /// Nobody: no limit
    Unattended,
}

impl From<Waits> for Patience {
    fn from(waits: Waits) -> Self {
        match waits {
            Waits::Interactive => Self::Interactive,
            Waits::Background => Self::Background,
            Waits::Unattended => Self::Unattended,
        }
    }
}

/// A header as it was written. What is wrong with one is told without quoting it: it may be a key.
#[derive(Clone)]
pub(crate) struct Header(String);

impl Header {
    /// Its name and its value.
    pub(crate) fn read(&self) -> Result<(&str, &str), Mistake> {
        let Self(text) = self;
        let (name, value) = text
            .split_once(':')
            .ok_or_else(|| Mistake::usage("--header: no colon in it; write it as 'name: value'"))?;
        Ok((name.trim(), value.trim()))
    }
}

impl From<String> for Header {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Header")
    }
}

/// The command line of this process; its help is as wide as the terminal.
pub(crate) fn read() -> Result<CommandLine, clap::Error> {
    let command = CommandLine::command().term_width(terminal::width());
    CommandLine::from_arg_matches(&command.try_get_matches()?)
}

/// What follows from a command line that is no command: it asks for help, or has a mistake in it.
pub(crate) fn answer(answer: &clap::Error) -> Result<Exit, Mistake> {
    match answer.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            terminal::out(&answer.to_string())?;
            Ok(Exit::Complete)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // If nobody listens, the exit code says it.
            let _ = answer.print();
            Ok(Exit::Usage)
        }
        kind => {
            let command = std::env::args().nth(1).filter(|word| is_command(word));
            let mut line = one_line(&answer.to_string(), command.as_deref());
            line.push_str(match (kind, command.as_deref()) {
                (ErrorKind::InvalidSubcommand, _) if !line.contains("; tip: ") => {
                    "; a question goes to 'evenkeel ask'"
                }
                (ErrorKind::UnknownArgument, Some("ask")) if !line.contains("'-") => {
                    "; a prompt of several words needs quotes around it"
                }
                _ => "",
            });
            Err(Mistake::usage(line))
        }
    }
}

fn is_command(word: &str) -> bool {
    CommandLine::command().find_subcommand(word).is_some()
}

/// A mistake as clap tells it, on one line: what is wrong, what may have been meant, where the
/// help is. The usage between them is left out.
fn one_line(told: &str, command: Option<&str>) -> String {
    let paragraphs = told.split("\n\n").enumerate();
    let wanted = paragraphs.filter(|(index, text)| {
        let text = text.trim_start();
        *index == 0 || text.starts_with("tip: ") || text.starts_with("For more information, ")
    });
    let words = wanted.map(|(_, text)| text.split_whitespace().collect::<Vec<_>>().join(" "));
    let line = words.collect::<Vec<_>>().join("; ");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    let line = line.strip_suffix('.').unwrap_or(line);
    let help = match command {
        Some(command) => format!("; see '{NAME} {command} --help'"),
        None => format!("; see '{NAME} --help'"),
    };
    line.replace("; For more information, try '--help'", &help)
}

fn tokens(text: &str) -> Result<u32, String> {
    number(
        text,
        "write a whole number from 0 to 4294967295, such as 1024",
    )
}

fn status(text: &str) -> Result<u16, String> {
    let rule = "servers send a status from 100 to 599, such as 429";
    let status = number(text, rule)?;
    let status = Some(status).filter(|status| (100..=599).contains(status));
    status.ok_or_else(|| rule.to_owned())
}

fn port(text: &str) -> Result<u16, String> {
    number(
        text,
        "a port is a number from 1 to 65535, or 0 for a free one",
    )
}

fn limit(text: &str) -> Result<NonZeroU32, String> {
    number(
        text,
        "write a whole number from 1 to 4294967295; without the option there is no limit",
    )
}

/// A number, or else the rule: what a parser says of its digits helps nobody.
fn number<N: FromStr>(text: &str, rule: &str) -> Result<N, String> {
    text.parse().ok().ok_or_else(|| rule.to_owned())
}

fn deadline(text: &str) -> Result<Duration, String> {
    let deadline = humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write it as 30s, 1500ms or 2m"))?;
    if deadline.is_zero() {
        return Err("a deadline of zero leaves no time to ask; give one above zero".to_owned());
    }
    Ok(deadline)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn a_deadline_is_written_as_people_write_time() {
        assert_eq!(deadline("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(deadline("1m 30s"), Ok(Duration::from_secs(90)));
        for wrong in ["0s", "30", "", "soon", "-3s"] {
            assert!(deadline(wrong).is_err(), "{wrong}");
        }
    }
}
