//! The table, in Markdown, as it stands in the bench README.

use crate::measure::{Contended, Contender, side_by_side, side_by_side_on_two_threads};

/// What a row has to reach.
#[derive(Clone, Copy, Debug)]
pub enum Aim {
    /// At most so many units.
    AtMost(f64),
    /// At most so many units over the floor.
    OverFloor(f64),
    /// At most so many times the floor.
    TimesFloor(f64),
    /// At most so many times the best rival.
    TimesRival(f64),
}

/// One measurement: ours, the rivals, the floor, all in the table's unit, and less is better.
#[derive(Debug)]
pub struct Row {
    pub what: &'static str,
    pub ours: f64,
    pub rivals: Vec<(&'static str, f64)>,
    /// The least that any program would have to do; `None` where there is no such thing.
    pub floor: Option<(&'static str, f64)>,
    pub aims: Vec<Aim>,
}

/// Rows of one unit.
#[derive(Debug)]
pub struct Table {
    unit: &'static str,
    rows: Vec<Row>,
}

impl Table {
    pub fn new(unit: &'static str) -> Self {
        Self { unit, rows: vec![] }
    }

    /// Rows that are measured several times over, because a neighbour may take away half of a core for longer than
    /// a row lasts. Of each row the time counts in which what is not ours was the fastest.
    pub fn calmest(mut self, times: usize, rows: impl Fn() -> Vec<Row>) -> Self {
        for _ in 0..times {
            let rows = rows();
            if self.rows.is_empty() {
                self.rows = rows;
                continue;
            }
            for (row, other) in self.rows.iter_mut().zip(rows) {
                if other.theirs() < row.theirs() {
                    *row = other;
                }
            }
        }
        self
    }

    pub fn row(mut self, row: Row) -> Self {
        self.rows.push(row);
        self
    }

    pub fn print(&self) {
        let unit = self.unit;
        println!(
            "| what | ours, {unit} | floor, {unit} | rivals, {unit} | ours / best rival | aim |"
        );
        println!("| --- | ---: | --- | --- | ---: | --- |");
        for row in &self.rows {
            println!("{}", row.line());
        }
        println!();
    }
}

/// A name for each of the rivals, or for the floor.
type Named<T> = (&'static str, T);

impl Row {
    /// Measured by turns: [`side_by_side`].
    pub fn side_by_side<'a>(
        what: &'static str,
        ours: Contender<'a>,
        rivals: Vec<Named<Contender<'a>>>,
        floor: Option<Named<Contender<'a>>>,
        aims: Vec<Aim>,
    ) -> Self {
        Self::measured(what, ours, rivals, floor, aims, side_by_side)
    }

    /// Measured by turns on two threads: [`side_by_side_on_two_threads`].
    pub fn on_two_threads<'a>(
        what: &'static str,
        ours: Contended<'a>,
        rivals: Vec<Named<Contended<'a>>>,
        floor: Option<Named<Contended<'a>>>,
        aims: Vec<Aim>,
    ) -> Self {
        Self::measured(what, ours, rivals, floor, aims, |all| {
            side_by_side_on_two_threads(&all)
        })
    }

    /// What the floor took, or all rivals where there is none.
    fn theirs(&self) -> f64 {
        match self.floor {
            Some((_, cost)) => cost,
            None => self.rivals.iter().map(|rival| rival.1).sum(),
        }
    }

    fn measured<T>(
        what: &'static str,
        ours: T,
        rivals: Vec<Named<T>>,
        floor: Option<Named<T>>,
        aims: Vec<Aim>,
        measure: impl FnOnce(Vec<T>) -> Vec<f64>,
    ) -> Self {
        let (names, rivals): (Vec<_>, Vec<_>) = rivals.into_iter().unzip();
        let (floor_name, floor) = floor.unzip();
        let all = [ours].into_iter().chain(floor).chain(rivals).collect();
        let mut costs = measure(all).into_iter();
        let mut next = || costs.next().expect("a cost for each");
        Self {
            what,
            ours: next(),
            floor: floor_name.map(|name| (name, next())),
            rivals: names.into_iter().map(|name| (name, next())).collect(),
            aims,
        }
    }

    fn line(&self) -> String {
        let best = self
            .rivals
            .iter()
            .map(|rival| rival.1)
            .min_by(f64::total_cmp);
        let ratio = best.map_or("–".into(), |best| format!("{:.2}", self.ours / best));
        let rivals: Vec<_> = self
            .rivals
            .iter()
            .map(|(name, cost)| format!("{name} {}", short(*cost)))
            .collect();
        let floor = self.floor.map_or("–".into(), |(name, cost)| {
            format!("{} {name}", short(cost))
        });
        let aims: Vec<_> = self
            .aims
            .iter()
            .map(|aim| self.verdict(*aim, best))
            .collect();
        let (what, ours) = (self.what, short(self.ours));
        let (rivals, aims) = (or_dash(&rivals), or_dash(&aims));
        format!("| {what} | {ours} | {floor} | {rivals} | {ratio} | {aims} |")
    }

    fn verdict(&self, aim: Aim, best: Option<f64>) -> String {
        let floor = self.floor.map_or(f64::NAN, |(_, cost)| cost);
        let (text, bound) = match aim {
            Aim::AtMost(most) => (format!("≤ {most:.0}"), most),
            Aim::OverFloor(more) => (format!("≤ floor + {more}"), floor + more),
            Aim::TimesFloor(times) => (format!("≤ {times} × floor"), floor * times),
            Aim::TimesRival(times) => (
                format!("≤ {times} × best"),
                best.unwrap_or(f64::NAN) * times,
            ),
        };
        let met = if self.ours <= bound {
            "met"
        } else {
            "**missed**"
        };
        format!("{text}: {met}")
    }
}

fn or_dash(parts: &[String]) -> String {
    if parts.is_empty() {
        "–".into()
    } else {
        parts.join(", ")
    }
}

/// Three digits or so: more would be noise.
fn short(cost: f64) -> String {
    match cost {
        cost if cost < 10.0 => format!("{cost:.2}"),
        cost if cost < 1_000.0 => format!("{cost:.1}"),
        cost => format!("{cost:.0}"),
    }
}
