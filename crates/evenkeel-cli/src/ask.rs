//! `evenkeel ask`: one request, seen through.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use evenkeel::messages::Partial;
use evenkeel::{
    Client, ClientBuilder, Credential, Error, Fallback, MessageRequest, Messages, Reply,
};
use evenkeel_simulator::{Scenario, Simulator};

use crate::command_line::Ask;
use crate::exit::{Exit, Mistake};
use crate::outcome::{self, CallReport, Origin};
use crate::progress::{Detail, Progress};
use crate::terminal::Reader;
use crate::{input, terminal, wording};

/// How the reply reaches the user.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Output {
    Text,
    Stream,
    Json,
}

/// How much of a reply the user has seen already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Nothing,
    AsItCame,
}

pub(crate) async fn run(options: Ask) -> Result<Exit, Mistake> {
    let output = match (options.json, options.stream) {
        (true, _) => Output::Json,
        (false, true) => Output::Stream,
        (false, false) => Output::Text,
    };
    let request = input::request(&options)?;
    let simulator = match &options.simulate {
        None => None,
        Some(name) => Some(simulator(name).await?),
    };
    let detail = match (output, options.verbose) {
        (Output::Json, _) => Detail::Silent,
        (_, true) => Detail::Everything,
        (_, false) => Detail::Progress,
    };
    let progress = Progress::new(detail, std::io::stderr().is_terminal());
    let client = builder(&options, simulator.as_ref())?
        .observer(progress.clone())
        .build()
        .map_err(|error| refusal(&error, &options))?;
    let mut messages = client.messages().patience(options.patience.into());
    if let Some(deadline) = options.deadline {
        messages = messages.deadline(deadline);
    }
    for model in &options.fallbacks {
        messages = messages.fallback(Fallback::to(model));
    }
    let (result, shown) = match output {
        Output::Stream => match streamed(&messages, request, &progress).await? {
            Some(ended) => ended,
            None => return Ok(Exit::Complete),
        },
        Output::Text | Output::Json => (messages.create(request).await, Shown::Nothing),
    };
    progress.clear();
    if let Err(error) = &result
        && error.kind() == evenkeel::ErrorKind::InvalidConfig
    {
        return Err(refusal(error, &options));
    }
    if output == Output::Json {
        let origin = if simulator.is_some() {
            Origin::Simulator
        } else {
            Origin::Api
        };
        print_json(&result, origin)?;
    } else {
        print_text(&result, shown)?;
    }
    match &result {
        Ok(reply) => {
            let ending = reply.stop_reason.as_ref().and_then(wording::ending);
            if let Some(ending) = ending.filter(|_| output != Output::Json) {
                terminal::tell(ending);
            }
            Ok(Exit::Complete)
        }
        Err(error) => {
            explain(error, output, options.verbose);
            Ok(outcome::exit(error))
        }
    }
}

/// The end of a stream; none if the reader left before, because dropping the stream then ends the
/// call and its cost.
async fn streamed(
    messages: &Messages,
    request: MessageRequest,
    progress: &Progress,
) -> Result<Option<(Result<Reply, Error>, Shown)>, Mistake> {
    let mut stream = match messages.stream(request).await {
        Ok(stream) => stream,
        Err(error) => return Ok(Some((Err(error), Shown::Nothing))),
    };
    progress.clear();
    let mut shown = Shown::Nothing;
    while let Some(event) = stream.next().await {
        match event {
            Err(error) => return Ok(Some((Err(error), shown))),
            Ok(event) => {
                if let Some(text) = event.text() {
                    shown = Shown::AsItCame;
                    progress.printing(text);
                    let printed = terminal::reply(text);
                    if !matches!(printed, Ok(Reader::Listens)) {
                        progress.nobody_reads();
                    }
                    if printed? == Reader::Left {
                        return Ok(None);
                    }
                }
            }
        }
    }
    Ok(Some((stream.finish().await, shown)))
}

fn print_json(result: &Result<Reply, Error>, origin: Origin) -> Result<(), Mistake> {
    let report = match result {
        Ok(reply) => CallReport::complete(reply, origin),
        Err(error) => CallReport::failed(error, origin),
    };
    let json = serde_json::to_string(&report)
        .map_err(|error| Mistake::system("the report has no JSON form", &error))?;
    terminal::line(&outcome::escaped(&json))?;
    Ok(())
}

/// Prints the reply, or the part of it that arrived: it is the user's, and the exit code and a
/// line on standard error say that it is a part.
fn print_text(result: &Result<Reply, Error>, shown: Shown) -> Result<(), Mistake> {
    if shown == Shown::AsItCame {
        terminal::line("")?;
        return Ok(());
    }
    let text = match result {
        Ok(reply) => reply.text(),
        Err(error) => arrived(error),
    };
    if result.is_err() && text.is_empty() {
        return Ok(());
    }
    terminal::reply(&format!("{text}\n"))?;
    Ok(())
}

fn arrived(error: &Error) -> String {
    error.partial().map(Partial::text).unwrap_or_default()
}

/// Says what went wrong, what the server said of it, and what to do.
fn explain(error: &Error, output: Output, verbose: bool) {
    if verbose {
        terminal::tell(report(error));
    } else {
        terminal::tell(error);
        if let Some(said) = wording::said(error.failure(), "the server said") {
            terminal::tell(said);
        }
        if let Some(cause) = wording::cause(error.failure()) {
            terminal::tell(format_args!("the cause: {cause}"));
        }
        terminal::tell(format_args!("given up: {}", error.stopped().description()));
        if let Some(moment) = error.retry_at() {
            terminal::tell(format_args!("no use before {}", wording::utc(moment)));
        }
        if !error.advice().is_empty() {
            terminal::tell(error.advice());
        }
    }
    let characters = arrived(error).chars().count();
    if output != Output::Json && characters > 0 {
        terminal::tell(format_args!(
            "the {characters} characters that were printed are a part of the reply, not all of it"
        ));
    }
}

/// The whole story: the attempts, why there is none more, and all that is known of the last.
fn report(error: &Error) -> String {
    let failure = error.failure().report().to_string();
    let (head, rest) = failure.split_once('\n').unwrap_or((&failure, ""));
    let mut report = head.to_owned();
    for attempt in error.attempts() {
        let (number, outcome) = (attempt.number, attempt.outcome.label());
        // Writing to a string does not fail.
        let _ = write!(report, "\n  attempt {number}: {outcome}");
        if let Some(status) = attempt.status {
            let _ = write!(report, " ({status})");
        }
        let _ = write!(report, ", {:.1?}", attempt.elapsed);
        if !attempt.waited.is_zero() {
            let _ = write!(report, " after waiting {:.1?}", attempt.waited);
        }
    }
    let _ = write!(report, "\n  given up: {}", error.stopped().description());
    if !rest.is_empty() {
        let _ = write!(report, "\n{rest}");
    }
    report
}

async fn simulator(name: &str) -> Result<Simulator, Mistake> {
    let scenario = Scenario::named(name)
        .map_err(|unknown| Mistake::usage(format!("--simulate: {unknown}")))?;
    Simulator::start(scenario)
        .await
        .map_err(|error| Mistake::system("the simulator could not be started", &error))
}

/// The client that options and environment describe.
fn builder(options: &Ask, simulator: Option<&Simulator>) -> Result<ClientBuilder, Mistake> {
    let mut builder = Client::builder();
    for header in &options.headers {
        let (name, value) = header.read()?;
        builder = builder.header(name, value);
    }
    if let Some(simulator) = simulator {
        return Ok(builder.base_url(simulator.base_url()));
    }
    let key = variable("ANTHROPIC_API_KEY")?;
    let token = variable("ANTHROPIC_AUTH_TOKEN")?;
    let base_url = match &options.base_url {
        Some(url) => Some(url.clone()),
        None => variable("ANTHROPIC_BASE_URL")?,
    };
    if key.is_none() && token.is_none() && base_url.is_none() {
        return Err(Mistake::configuration(
            "no way to the API: set ANTHROPIC_API_KEY, or give --base-url URL for a gateway, or \
             --simulate SCENARIO to try it out",
        ));
    }
    if let Some(url) = base_url {
        builder = builder.base_url(url);
    }
    Ok(match (key, token) {
        (Some(key), _) => builder.credential(Credential::api_key(key)),
        (None, Some(token)) => builder.credential(Credential::bearer(token)),
        (None, None) => builder,
    })
}

/// Advice for programs that ends a refusal: the command has no such settings.
const FOR_PROGRAMS: [&str; 2] = [
    "; or give ca_file, or choose bundled roots",
    ", set proxy, or choose without_proxy",
];

/// What the client refuses, under the name by which the user gave it.
fn refusal(error: &Error, options: &Ask) -> Mistake {
    let message = error.failure().message().unwrap_or_default();
    let (field, rule) = message.split_once(' ').unwrap_or((message, ""));
    let given = match field {
        "api_key" => "ANTHROPIC_API_KEY",
        "auth_token" => "ANTHROPIC_AUTH_TOKEN",
        "base_url" if options.base_url.is_some() => "--base-url",
        "base_url" if matches!(variable("ANTHROPIC_BASE_URL"), Ok(Some(_))) => "ANTHROPIC_BASE_URL",
        "base_url" => "the address",
        "header" => "--header",
        other => other,
    };
    let rule = FOR_PROGRAMS
        .iter()
        .find_map(|advice| rule.strip_suffix(advice))
        .unwrap_or(rule);
    Mistake::configuration(format!("{given} {rule}"))
}

/// A variable of the environment; an empty one counts as unset.
fn variable(name: &str) -> Result<Option<String>, Mistake> {
    match std::env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Mistake::configuration(format!(
            "{name} is not UTF-8: check how it was set"
        ))),
    }
}
