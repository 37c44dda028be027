//! The table, in Markdown, as it stands in the bench README.

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

impl Row {
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
