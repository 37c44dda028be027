//! The build logic of evenkeel. `cargo xtask` prints the commands; continuous integration runs
//! `cargo xtask ci`, which is nothing but these same commands, timed.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a build tool talks to the person at the terminal"
)]

mod bench;
mod ci;
mod clock;
mod command;
mod deny;
mod docs;
mod features;
mod fuzz;
mod lint;
mod live;
mod loom;
mod openssl;
mod outcome;
mod package;
mod parts;
mod peers;
mod project;
mod readme;
mod test;
mod tidy;

use std::process::ExitCode;

use command::Command;
use outcome::Outcome;
use project::Project;

/// Every command, in the order in which the table prints them.
const COMMANDS: &[Command] = &[
    test::COMMAND,
    lint::COMMAND,
    loom::COMMAND,
    tidy::COMMAND,
    features::COMMAND,
    parts::COMMAND,
    docs::COMMAND,
    bench::COMMAND,
    fuzz::COMMAND,
    peers::COMMAND,
    live::COMMAND,
    deny::COMMAND,
    package::COMMAND,
    readme::COMMAND,
    ci::COMMAND,
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "help".into());
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        print!("{}", command::table(COMMANDS));
        return ExitCode::SUCCESS;
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprint!(
            "xtask: there is no command `{name}`\n\n{}",
            command::table(COMMANDS)
        );
        return ExitCode::from(2);
    };
    let arguments: Vec<String> = arguments.collect();
    if arguments
        .first()
        .is_some_and(|word| word == "--help" || word == "-h")
    {
        print!("{}", command::table(std::slice::from_ref(command)));
        return ExitCode::SUCCESS;
    }
    match Project::locate().and_then(|project| (command.run)(&project, &arguments)) {
        Ok(Outcome::Passed) => ExitCode::SUCCESS,
        Ok(Outcome::PassedBut(note) | Outcome::Skipped(note)) => {
            eprintln!("xtask {name}: {note}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("xtask {name}: {failure}");
            failure.exit_code()
        }
    }
}
