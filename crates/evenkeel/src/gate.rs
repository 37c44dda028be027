use std::collections::BTreeSet;
use std::time::Duration;

use evenkeel_error::Moment;

mod entrance;

pub(crate) use entrance::{Entrance, Place};

/// How far apart waiters leave once a limit has lifted: a queue that leaves at once meets the same
/// limit again.
pub(crate) const SPACING: Duration = Duration::from_millis(250);

/// When calls may leave that share a limit: a server's hint to one of them holds for all.
///
/// Pure: the present is an argument. A call reserves a place, which is a moment, waits for it, and
/// leaves; or frees it, and whoever asks next is given the first that is free.
///
/// | | open | closed until a moment |
/// |---|---|---|
/// | [`close_until`](Self::close_until) | closes | prolongs, if it is later; the places before it are void |
/// | [`reserve`](Self::reserve), new | at once | the first free place |
/// | [`reserve`](Self::reserve), back | at once, or the first free place | the first free place |
/// | [`reserve`](Self::reserve), again | as back; at once where that is too late | the first free place |
/// | [`leave`](Self::leave) its place | leaves | leaves from the moment on, and asks again before |
/// | [`free`](Self::free) | the place is free | the place is free |
///
/// A place is free that is the spacing away from every other, and from the last that was left by.
#[derive(Debug)]
pub(crate) struct Gate {
    /// Nobody leaves before this.
    opens: Moment,
    /// The places that somebody waits for, none before `opens`, and any two the spacing apart.
    places: BTreeSet<Moment>,
    /// The last place that somebody left by.
    left: Option<Moment>,
    /// Between the moment that it opens and this one no place is free, so that a thousand who ask
    /// need not each pass all who came before.
    taken_until: Moment,
    spacing: Duration,
}

/// What a gate answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot<P> {
    /// Leave.
    AtOnce,
    /// Wait for this place, then see whether it still holds.
    At(P),
    /// The first place that is free is later than the caller allows. Nothing was reserved; the
    /// gate opens at this moment.
    TooLate(Moment),
}

/// Who asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Comer {
    /// A call that the limit has not met.
    #[default]
    New,
    /// A call that was told to wait, and has.
    Back,
    /// A call that has had a place, and could not leave by it: its token was too old. It is told to
    /// stay only by a gate that is closed.
    Again,
}

/// Whether a place still held when its moment came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Departure {
    Leaves,
    /// The limit was prolonged meanwhile: ask again.
    Prolonged,
}

impl Gate {
    pub(crate) fn new(spacing: Duration) -> Self {
        Self {
            opens: Moment::ORIGIN,
            places: BTreeSet::new(),
            left: None,
            taken_until: Moment::ORIGIN,
            // No two share a place, however much faster than real time a client counts.
            spacing: spacing.max(Duration::from_nanos(1)),
        }
    }

    /// The server asked somebody to wait until `moment`.
    pub(crate) fn close_until(&mut self, moment: Moment) {
        if moment > self.opens {
            self.opens = moment;
            // Whoever waits for an earlier place asks again when its moment comes.
            self.places = self.places.split_off(&moment);
            // Beside a place that is void there may be room now.
            self.taken_until = moment;
        }
    }

    /// When a call may leave that wants to at `now`, and at the latest before `latest`.
    ///
    /// Those who waited leave apart. Newcomers to an open gate leave at once: if they queued as well,
    /// a queue of a busy client would never end.
    pub(crate) fn reserve(
        &mut self,
        now: Moment,
        latest: Option<Moment>,
        comer: Comer,
    ) -> Slot<Moment> {
        let is_open = self.is_open(now);
        if is_open && comer == Comer::New {
            return Slot::AtOnce;
        }
        let place = self.first_free(now);
        if is_open && place <= now {
            self.left = self.left.max(Some(now));
            return Slot::AtOnce;
        }
        if latest.is_some_and(|latest| place >= latest) {
            return if is_open && comer == Comer::Again {
                Slot::AtOnce
            } else {
                Slot::TooLate(self.opens)
            };
        }
        self.places.insert(place);
        self.taken_until = place + self.spacing;
        Slot::At(place)
    }

    /// The moment of `place` has come: its waiter leaves, unless the limit was prolonged.
    pub(crate) fn leave(&mut self, place: Moment) -> Departure {
        if place < self.opens {
            return Departure::Prolonged;
        }
        self.places.remove(&place);
        self.left = self.left.max(Some(place));
        Departure::Leaves
    }

    /// Whoever waited for `place` does so no longer.
    pub(crate) fn free(&mut self, place: Moment) {
        if self.places.remove(&place) {
            let reach = Moment::ORIGIN + self.spacing;
            let before = Moment::ORIGIN + place.since(reach);
            self.taken_until = self.taken_until.min(before);
        }
    }

    /// Whether nothing would be lost with this gate.
    pub(crate) fn is_open(&self, now: Moment) -> bool {
        now >= self.opens
    }

    /// The first moment from `now` on that is the spacing away from every place.
    fn first_free(&self, now: Moment) -> Moment {
        let spaced = self.left.map_or(Moment::ORIGIN, |left| left + self.spacing);
        let mut first = self.opens.max(now).max(spaced).max(self.taken_until);
        let before = self.places.range(..=first).next_back();
        if let Some(&before) = before {
            first = first.max(before + self.spacing);
        }
        for &place in self.places.range(first..) {
            if first + self.spacing <= place {
                break;
            }
            first = place + self.spacing;
        }
        first
    }
}

#[cfg(test)]
mod tests;
