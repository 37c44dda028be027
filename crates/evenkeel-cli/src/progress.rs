//! What the user sees on standard error while a call goes on: a live line with a countdown on a
//! terminal, plain lines elsewhere.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evenkeel::event::{Circuit, Event, Observer, What};
use indicatif::{ProgressBar, ProgressStyle};

use crate::clock::Stopwatch;
use crate::{layout, terminal, wording};

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    Silent,
    Progress,
    Everything,
}

/// Prints the events of a call.
#[derive(Clone)]
pub(crate) struct Progress {
    detail: Detail,
    /// The live line, on a terminal.
    line: Option<ProgressBar>,
    countdown: Countdown,
    /// A failure that was not told yet: what follows it decides how.
    failure: Arc<Mutex<Option<String>>>,
    printed: Arc<Mutex<Printed>>,
}

/// How much of a stream has been printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Printed {
    #[default]
    Nothing,
    UpToALineEnd,
    UpToTheMiddleOfALine,
    /// Who read it has left, or it cannot be printed.
    ForNobody,
}

/// A wait that is under way, shared with the thread that draws it.
#[derive(Clone, Default)]
struct Countdown {
    wait: Arc<Mutex<Option<(Stopwatch, Duration)>>>,
}

impl Progress {
    pub(crate) fn new(detail: Detail, terminal: bool) -> Self {
        let countdown = Countdown::default();
        let line = (terminal && detail != Detail::Silent).then(|| live_line(&countdown));
        Self {
            detail,
            line,
            countdown,
            failure: Arc::default(),
            printed: Arc::default(),
        }
    }

    /// Takes the live line away, so that the reply has the terminal to itself.
    pub(crate) fn clear(&self) {
        if let Some(line) = &self.line {
            line.finish_and_clear();
        }
    }

    /// Notes a part of the reply before it is printed.
    pub(crate) fn printing(&self, part: &str) {
        self.note(match part.chars().next_back() {
            None => return,
            Some('\n') => Printed::UpToALineEnd,
            Some(_) => Printed::UpToTheMiddleOfALine,
        });
    }

    /// Notes that no more can be printed: that the call ends for it is no news.
    pub(crate) fn nobody_reads(&self) {
        self.note(Printed::ForNobody);
    }

    fn note(&self, printed: Printed) {
        *self.printed.lock().unwrap_or_else(PoisonError::into_inner) = printed;
    }

    fn cancelled(&self, event: &Event<'_>) {
        self.clear();
        let printed = *self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        let cancelled = line(event);
        match printed {
            Printed::ForNobody => {}
            Printed::Nothing => terminal::tell(cancelled),
            Printed::UpToALineEnd | Printed::UpToTheMiddleOfALine => {
                if printed == Printed::UpToTheMiddleOfALine && terminal::is_read_by_a_person() {
                    // A terminal that is gone shows the rest neither.
                    let _ = terminal::line("");
                }
                terminal::tell(format_args!(
                    "{cancelled}; what was printed is a part of the reply, not all of it"
                ));
            }
        }
    }

    fn print(&self, text: &str) {
        match &self.line {
            Some(line) => line.println(layout::report(text, terminal::width())),
            None => terminal::tell(text),
        }
    }

    fn print_if_verbose(&self, event: &Event<'_>) {
        if self.detail == Detail::Everything {
            self.print(&line(event));
        }
    }

    fn follow(&self, text: String) {
        if let Some(line) = &self.line {
            line.set_message(text);
        }
    }
}

fn live_line(countdown: &Countdown) -> ProgressBar {
    let countdown = countdown.clone();
    let line = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template("{spinner} {wide_msg} {left}");
    if let Ok(style) = style {
        line.set_style(
            style.with_key("left", move |_: &_, out: &mut dyn std::fmt::Write| {
                if let Some(left) = countdown.left() {
                    // A draw that fails is drawn again a tenth of a second later.
                    let _ = out.write_str(&wording::span(left));
                }
            }),
        );
    }
    line.enable_steady_tick(Duration::from_millis(100));
    line
}

impl Countdown {
    fn set(&self, wait: Option<Duration>) {
        let mut slot = self.wait.lock().unwrap_or_else(PoisonError::into_inner);
        *slot = wait.map(|wait| (Stopwatch::start(), wait));
    }

    fn left(&self) -> Option<Duration> {
        let slot = self.wait.lock().unwrap_or_else(PoisonError::into_inner);
        slot.map(|(since, wait)| wait.saturating_sub(since.elapsed()))
    }
}

impl Observer for Progress {
    fn observe(&self, event: &Event<'_>) {
        if self.detail == Detail::Silent {
            return;
        }
        self.countdown.set(match event.what {
            What::Waiting { wait, .. } => Some(wait),
            _ => None,
        });
        let failure = self
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match event.what {
            What::AttemptStarted { attempt, .. } => {
                self.follow(format!("attempt {attempt}: waiting for the reply"));
                self.print_if_verbose(event);
            }
            What::AttemptFailed { attempt, error, .. } => {
                let told = match wording::cause(error) {
                    Some(cause) => format!("attempt {attempt}: {error}: {cause}"),
                    None => format!("attempt {attempt}: {error}"),
                };
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
            }
            What::Waiting {
                attempt,
                reason,
                wait,
                ..
            } => {
                self.follow(format!("waiting before attempt {attempt}"));
                let wait = wording::wait(reason, wait);
                self.print(&match failure {
                    Some(failure) => format!("{failure}; {wait}"),
                    None => wait,
                });
            }
            What::FellBack { to, trigger, .. } => {
                self.follow(format!("asking {to}"));
                let asking = wording::fallback(to, trigger);
                self.print(&match failure {
                    Some(failure) => format!("{failure}; {asking}"),
                    None => asking,
                });
            }
            What::FirstContent { attempt, .. } => {
                self.follow(format!("attempt {attempt}: the reply arrives"));
                self.print_if_verbose(event);
            }
            What::AttemptDiscarded { .. } => {
                let told = failure.unwrap_or_default();
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(format!("{told}; what it brought is dropped for a replay"));
            }
            What::Cancelled { .. } => self.cancelled(event),
            // The report that follows says it all.
            What::GivenUp { .. } => {}
            What::CircuitChanged {
                to: Circuit::Open, ..
            }
            | What::BudgetEmpty { .. }
            | What::Quiet { .. } => {
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
                self.print(&line(event));
            }
            _ => {
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
                self.print_if_verbose(event);
            }
        }
    }
}

/// An event as the user reads it: there is one call only, so its number says nothing.
fn line(event: &Event<'_>) -> String {
    if let What::CircuitChanged { scope, to, .. } = event.what {
        let (scope, to) = (scope.label(), wording::circuit(to));
        return format!("the circuit of the {scope} is now {to}");
    }
    let text = event.to_string();
    text.split_once(": ")
        .map_or(text.as_str(), |(_, rest)| rest)
        .to_owned()
}
