//! Finds the name that was meant.

/// The name with the fewest edits, if those are few enough for a slip of the finger.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // A name far longer than any of ours is not a slip, and its distance is not worth the time.
    let known = known.filter(|_| name.len() <= 64);
    let (edits, near) = known.map(|known| (distance(name, known), known)).min()?;
    (edits * 3 <= near.len().max(6)).then_some(near)
}

/// Levenshtein distance, one row at a time.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut next = vec![i + 1];
        for ((b, above), diagonal) in to.chars().zip(row.iter().skip(1)).zip(&row) {
            let left = next.last().copied().unwrap_or_default();
            next.push(
                (diagonal + usize::from(a != b))
                    .min(above + 1)
                    .min(left + 1),
            );
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn what_is_far_from_everything_has_no_neighbour() {
        let known = ["healthy", "overloaded"];
        assert_eq!(nearest("heathly", known.into_iter()), Some("healthy"));
        assert_eq!(nearest("entirely different", known.into_iter()), None);
        assert_eq!(nearest(&"x".repeat(1_000_000), known.into_iter()), None);
    }
}
