//! What a command is, and how the commands are listed.

use crate::outcome::{Failure, Outcome};
use crate::project::Project;

/// One command: what it is called, what it takes, what it does.
pub(crate) struct Command {
    pub(crate) name: &'static str,
    /// As the table shows them.
    pub(crate) arguments: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) run: fn(&Project, &[String]) -> Result<Outcome, Failure>,
}

impl Command {
    fn usage(&self) -> String {
        format!("{} {}", self.name, self.arguments)
            .trim_end()
            .to_owned()
    }
}

/// The commands, one line each.
pub(crate) fn table(commands: &[Command]) -> String {
    let longest = commands.iter().map(|command| command.usage().len()).max();
    let width = longest.unwrap_or_default();
    let line = |command: &Command| format!("  {:width$}  {}\n", command.usage(), command.summary);
    let lines: String = commands.iter().map(line).collect();
    format!("cargo xtask <command>\n\n{lines}")
}
