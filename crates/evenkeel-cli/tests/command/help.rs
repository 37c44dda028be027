//! The help, as it was agreed on.

use super::process::evenkeel;

fn help(args: &[&str]) -> String {
    let run = evenkeel(args).finish();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.err, "");
    let lines = run.out.lines().map(str::trim_end);
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_command_names_what_it_can_do() {
    insta::assert_snapshot!(help(&["--help"]), @r#"
    Ask Claude, explain a failure, or simulate an outage

    Usage: evenkeel <COMMAND>

    Commands:
      ask       Send one request, and see it through
      explain   Say what a response from anywhere means, and what helps
      simulate  Run a Claude API on this machine that misbehaves by script
      demo      Show every fault of the catalogue, and how it is handled
      help      Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version

    To begin, without a key:
      evenkeel ask "Hello" --simulate overloaded-twice
      evenkeel demo
    "#);
}

#[test]
fn ask_names_its_options_and_its_exit_codes() {
    insta::assert_snapshot!(help(&["ask", "--help"]), @"
    Send one request, and see it through

    Usage: evenkeel ask [OPTIONS] [PROMPT]

    Arguments:
      [PROMPT]
              The prompt; standard input if left out

    Options:
          --request <FILE>
              A whole Messages request in JSON, instead of a prompt (- for standard
              input)

          --model <MODEL>
              The model [default: claude-sonnet-5-5]

          --fallback <MODEL>
              Another model to ask when that one has no capacity, is silent or
              refuses; may be repeated

          --max-tokens <N>
              The longest reply, in tokens [default: 1024]

          --system <TEXT>
              The system prompt

          --stream
              Print the reply as it arrives

          --json
              Print one report in JSON instead of the reply

          --patience <PATIENCE>
              How long to go on without progress

              Possible values:
              - interactive: A person: 30 s, 4 attempts
              - background:  A program: 10 minutes
              - unattended:  Nobody: no limit

              [default: background]

          --deadline <TIME>
              When to end the call whatever happens, such as 30s or 2m

          --base-url <URL>
              Where the API is [default: the variable `ANTHROPIC_BASE_URL`, then the
              public API]

          --simulate <SCENARIO>
              Ask the built-in simulator; no key needed (evenkeel simulate --list)

          --header <K: V>
              A header on the request, such as 'anthropic-beta: x'; may be repeated

      -v, --verbose
              Say more on standard error

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Exit codes:
      0   complete              75  rate limit
      2   usage                 76  truncated, or not what was asked for
      65  the request           77  account, key, money
      69  the server            78  configuration
      130 Ctrl-C
    ");
}

#[test]
fn explain_names_its_options() {
    insta::assert_snapshot!(help(&["explain", "--help"]), @"
    Say what a response from anywhere means, and what helps

    Usage: evenkeel explain [OPTIONS] <STATUS|--status <N>|--event>

    Arguments:
      [STATUS]  The HTTP status [default with --event: 200]

    Options:
          --status <N>     The same, by name
          --header <K: V>  A header of the response, such as 'retry-after: 20'; may
                           be repeated
          --body <FILE>    The body of the response (- for standard input)
          --event          The body is the data of an error event inside a stream
                           [default body: standard input]
          --json           Print JSON
      -h, --help           Print help
      -V, --version        Print version
    ");
}

#[test]
fn simulate_names_its_options() {
    insta::assert_snapshot!(help(&["simulate", "--help"]), @"
    Run a Claude API on this machine that misbehaves by script

    Usage: evenkeel simulate [OPTIONS]

    Options:
          --port <N>              The port to listen on [default: a free one]
          --scenario <NAME|FILE>  A scenario by name, or a file [default: healthy]
          --list                  Print the scenarios and stop
          --rpm <N>               Enforce so many requests a minute
          --itpm <N>              Enforce so many input tokens a minute
          --otpm <N>              Enforce so many output tokens a minute
      -h, --help                  Print help
      -V, --version               Print version
    ");
}

#[test]
fn the_version_is_the_packages_whichever_command_is_asked() {
    let version = concat!("evenkeel ", env!("CARGO_PKG_VERSION"));
    for command in ["", "ask", "explain", "simulate", "demo"] {
        let args: Vec<_> = [command, "--version"]
            .into_iter()
            .filter(|word| !word.is_empty())
            .collect();
        assert_eq!(help(&args), version);
    }
}

#[test]
fn where_no_terminal_says_how_wide_it_is_lines_end_within_80_columns() {
    for args in [
        &["--help"][..],
        &["ask", "-h"],
        &["ask", "--help"],
        &["explain", "--help"],
        &["simulate", "--help"],
        &["explain", "429"],
    ] {
        for line in help(args).lines() {
            assert!(line.chars().count() <= 80, "{args:?} {line}");
        }
    }
}

#[test]
fn without_a_command_the_help_is_the_answer_and_the_exit_code_says_that_it_was_missed() {
    let run = evenkeel::<&str>([]).finish();
    assert_eq!(run.code, Some(2), "{run:?}");
    assert_eq!(run.out, "");
    assert_eq!(run.err.trim(), help(&["--help"]).trim());
}
