//! What the calls of the storm met, in the order in which their verdicts came: whether a circuit had
//! a reason to open, and was open when it refused.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel::ErrorKind;
use evenkeel::error::{Error as Failure, Moment, Recovery};
use evenkeel::event::{Circuit, Event, Observer, Scope, Trigger, What};

use super::MODELS;

/// Failures that open a circuit, in a row or as half of a window.
const FAILURES: usize = 5;
const WINDOW: Duration = Duration::from_secs(30);
const SHORTEST: Duration = Duration::from_secs(29);
/// How far those in a row lie apart at least.
const SPAN: Duration = Duration::from_secs(2);
/// The longest that a circuit stays open where no failure says how long: 15 s and half as much.
const OPEN: Duration = Duration::from_millis(22_500);
/// The whole slow start.
const RECOVERING: Duration = Duration::from_secs(5);

/// Whose circuit: the way's, or that of a model.
type Whose = Option<&'static str>;

#[derive(Clone, Default)]
pub(super) struct History {
    seen: Arc<Mutex<Vec<Seen>>>,
    /// By the call's name: when it went to its fallback, and why.
    hops: Arc<Mutex<HashMap<String, (Duration, Trigger)>>>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    at: Duration,
    whose: Whose,
    what: Told,
    /// When the reply that had begun well turned out to be none.
    undone: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Well,
    /// Ill of the model, and so a good word for the way to it, unless our own clock said it.
    Answered,
    Ill,
    Now(Circuit),
}

/// Listens to one call.
pub(super) struct Listener {
    history: History,
    name: String,
    of_call: Mutex<OfCall>,
}

/// What is known of the call at the moment.
struct OfCall {
    model: &'static str,
    /// When the attempt under way brought its first content.
    content: Option<Duration>,
}

impl Observer for Listener {
    fn observe(&self, event: &Event<'_>) {
        let at = event.at.since(Moment::ORIGIN);
        let mut of_call = self.of_call.lock().unwrap();
        let model = Some(of_call.model);
        let mut seen = self.history.seen.lock().unwrap();
        let mut tell = |whose, what| {
            seen.push(Seen {
                at,
                whose,
                what,
                undone: None,
            });
        };
        match event.what {
            What::FellBack { trigger, .. } => {
                of_call.model = MODELS[1];
                let mut hops = self.history.hops.lock().unwrap();
                let before = hops.insert(self.name.clone(), (at, trigger));
                assert!(before.is_none(), "{} fell back twice", self.name);
            }
            What::AttemptStarted { .. } => of_call.content = None,
            What::FirstContent { .. } => {
                of_call.content = Some(at);
                tell(None, Told::Well);
                tell(model, Told::Well);
            }
            What::AttemptFailed { error, elapsed, .. } => {
                let whose = match blamed(error, elapsed) {
                    Blamed::Nobody => return,
                    Blamed::Way => None,
                    Blamed::Model => model,
                };
                tell(whose, Told::Ill);
                if whose.is_some() && error.facts().is_some() {
                    tell(None, Told::Answered);
                }
                // What had begun well is one failure, and no success.
                if let Some(content) = of_call.content.take() {
                    let is_it = |s: &Seen| {
                        (s.at, s.whose, s.what) == (content, whose, Told::Well)
                            && s.undone.is_none()
                    };
                    let begun = seen.iter_mut().find(|seen| is_it(seen));
                    if let Some(begun) = begun {
                        begun.undone = Some(at);
                    }
                }
            }
            What::CircuitChanged { scope, to, .. } => {
                let whose = if scope == Scope::Model { model } else { None };
                tell(whose, Told::Now(to));
            }
            _ => {}
        }
    }
}

enum Blamed {
    Nobody,
    Way,
    Model,
}

/// Whom an outcome speaks against, by the table of outcomes.
fn blamed(error: &Failure, elapsed: Duration) -> Blamed {
    match error.kind() {
        ErrorKind::Connection if error.recovery() == Recovery::Now => Blamed::Nobody,
        ErrorKind::Connection | ErrorKind::BadGateway | ErrorKind::Protocol => Blamed::Way,
        ErrorKind::ServerTimeout if error.status() == Some(408) => Blamed::Nobody,
        // Our own clock says something once it has waited for a while.
        ErrorKind::DeadlineExceeded if elapsed < Duration::from_secs(10) => Blamed::Nobody,
        ErrorKind::Overloaded
        | ErrorKind::ServerError
        | ErrorKind::ServerTimeout
        | ErrorKind::TimedOut
        | ErrorKind::Interrupted
        | ErrorKind::DeadlineExceeded => Blamed::Model,
        _ => Blamed::Nobody,
    }
}

impl History {
    pub(super) fn of(&self, name: &str) -> Listener {
        Listener {
            history: self.clone(),
            name: name.to_owned(),
            of_call: Mutex::new(OfCall {
                model: MODELS[0],
                content: None,
            }),
        }
    }

    /// When this call went to its fallback, and why.
    pub(super) fn hop(&self, name: &str) -> Option<(Duration, Trigger)> {
        self.hops.lock().unwrap().get(name).copied()
    }

    fn seen(&self, whose: Whose) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap();
        let seen = seen.iter().filter(|seen| seen.whose == whose);
        seen.copied().collect()
    }

    /// How often a circuit opened that was closed.
    pub(super) fn openings(&self) -> usize {
        let all = [None, Some(MODELS[0]), Some(MODELS[1])];
        all.into_iter().map(|whose| self.check(whose)).sum()
    }

    /// Sees that each opening has its failures; returns how many there were of a closed circuit.
    fn check(&self, whose: Whose) -> usize {
        let seen = self.seen(whose);
        let (mut state, mut closed_at) = (Circuit::Closed, Duration::ZERO);
        let mut openings = 0;
        for (place, change) in seen.iter().enumerate() {
            let Told::Now(to) = change.what else {
                continue;
            };
            if to == Circuit::Open {
                // The failure that opens it is told right after.
                let at = change.at;
                let is_cause = |seen: &&Seen| seen.what == Told::Ill;
                let cause = seen[place..].iter().find(is_cause);
                let caused = cause.filter(|cause| cause.at == at);
                let caused = caused.unwrap_or_else(|| panic!("{whose:?} opened unprovoked"));
                let is_verdict = |seen: &&Seen| !matches!(seen.what, Told::Now(_));
                let stands = |seen: &&Seen| seen.undone.is_none_or(|undone| undone > at);
                let before = seen[..place].iter().filter(is_verdict).filter(stands);
                let verdicts: Vec<_> = before.chain([caused]).collect();
                if state == Circuit::Closed {
                    openings += 1;
                    assert!(
                        opens(&verdicts, closed_at),
                        "the circuit of {whose:?} opened at {at:?} after too little"
                    );
                }
            }
            if to == Circuit::Closed {
                closed_at = change.at;
            }
            state = to;
        }
        openings
    }

    /// Whether a call that is made to one of these models at this moment can be refused by a circuit.
    pub(super) fn may_refuse(&self, models: &[&'static str], at: Duration) -> bool {
        let models = models.iter().map(|model| Some(*model));
        let mut whose = models.chain([None]);
        whose.any(|whose| self.is_held_back(whose, at))
    }

    fn is_held_back(&self, whose: Whose, at: Duration) -> bool {
        let seen = self.seen(whose);
        let changes = seen.iter().filter_map(|seen| match seen.what {
            Told::Now(state) => Some((seen.at, state)),
            Told::Well | Told::Answered | Told::Ill => None,
        });
        let mut changes: Vec<_> = changes.filter(|(since, _)| *since <= at).collect();
        // The one in force when the moment began, and those of the moment.
        let before = changes.iter().rposition(|(since, _)| *since < at);
        changes.drain(..before.unwrap_or(0));
        changes.iter().any(|&(since, state)| match state {
            Circuit::Open => at <= since + OPEN,
            Circuit::Recovering => at <= since + RECOVERING,
            Circuit::Closed => false,
            _ => true,
        })
    }
}

/// Whether the last of these verdicts may open a circuit that is closed since `closed_at`.
fn opens(verdicts: &[&Seen], closed_at: Duration) -> bool {
    let is_ill = |seen: &&&Seen| seen.what == Told::Ill;
    let certain = verdicts.iter().filter(|seen| seen.what != Told::Answered);
    let row: Vec<_> = certain.rev().take_while(is_ill).collect();
    let at = row[0].at;
    let is_row = row.len() >= FAILURES && at >= row[row.len() - 1].at + SPAN;
    // With what came before it closed, and without: the window may begin anew.
    let is_half = |from: Duration| {
        let window: Vec<_> = verdicts.iter().filter(|seen| seen.at >= from).collect();
        let ill = window.iter().filter(|seen| seen.what == Told::Ill).count();
        let in_doubt = window.iter().filter(|seen| seen.what == Told::Answered);
        window.len() >= FAILURES && ill * 2 >= window.len() - in_doubt.count()
    };
    // A verdict is forgotten in the last second of the window, or at its end.
    let (first, latest) = (at.saturating_sub(WINDOW), at.saturating_sub(SHORTEST));
    let in_doubt = verdicts.iter().map(|seen| seen.at);
    let in_doubt = in_doubt.filter(|at| (first..latest).contains(at));
    let mut starts = in_doubt.chain([first, latest]);
    is_row || starts.any(|start| is_half(start) || is_half(start.max(closed_at)))
}
