//! The prompt cache: which beginnings of prompts are known, and for how long. Pure: the moment comes
//! in as an argument.

use std::collections::HashMap;
use std::time::Duration;

use crate::prefix::{Keep, Prefix};
use crate::usage::Input;

/// How many blocks before a mark are looked at for a prefix that is known.
const LOOK_BACK: usize = 20;
/// How many prefixes are known at once; of more, that which would go first goes at once.
const KNOWN: usize = 10_000;

/// What is known, for each key, model and speed.
#[derive(Debug, Default)]
pub(crate) struct PromptCache {
    known: HashMap<(u64, u64), Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// When the reply that wrote it began: before that nobody can read it.
    from: Duration,
    until: Duration,
}

/// What a request costs, and what the cache will know by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) input: Input,
    writes: Vec<(u64, Keep)>,
}

impl Charge {
    /// For a request that has nothing to do with the cache.
    pub(crate) fn uncached(tokens: u64) -> Self {
        Self {
            input: Input::fresh(tokens),
            writes: Vec::new(),
        }
    }
}

impl PromptCache {
    /// What a request of `total` tokens costs at this moment, if prefixes shorter than `least` are
    /// not cached.
    pub(crate) fn charge(
        &mut self,
        scope: u64,
        prefixes: &[Prefix],
        total: u64,
        least: u64,
        now: Duration,
    ) -> Charge {
        let marked =
            |(_, prefix): &(usize, &Prefix)| prefix.keep.is_some() && prefix.tokens >= least;
        let marks: Vec<_> = prefixes.iter().enumerate().filter(marked).collect();
        let mut charge = Charge::uncached(total);
        let Some((_, longest)) = marks.last() else {
            return charge;
        };
        let read = marks.iter().rev().find_map(|(place, _)| {
            let start = place.saturating_sub(LOOK_BACK);
            let seen = prefixes.get(start..=*place).unwrap_or_default();
            let mut seen = seen.iter().rev();
            seen.find(|prefix| self.is_known((scope, prefix.hash), now))
        });
        let input = &mut charge.input;
        input.read = read.map_or(0, |prefix| prefix.tokens);
        let mut end = input.read;
        for (_, prefix) in &marks {
            let written = prefix.tokens.saturating_sub(end);
            match prefix.keep {
                Some(Keep::Hour) => input.written_1h += written,
                _ => input.written_5m += written,
            }
            end = end.max(prefix.tokens);
            // What was there already is kept for as long again.
            charge
                .writes
                .extend(prefix.keep.map(|keep| (prefix.hash, keep)));
        }
        input.fresh = total.saturating_sub(longest.tokens.max(input.read));
        charge
    }

    /// Knows what a request wrote, from the moment at which its reply begins.
    pub(crate) fn write(&mut self, scope: u64, charge: &Charge, now: Duration, from: Duration) {
        for (hash, keep) in &charge.writes {
            let entry = self.known.entry((scope, *hash)).or_insert(Entry {
                from,
                until: Duration::ZERO,
            });
            if entry.until <= now {
                entry.from = from;
            }
            entry.until = entry.until.max(now.saturating_add(keep.length()));
        }
        if self.known.len() > KNOWN {
            self.known.retain(|_, entry| entry.until > now);
        }
        while self.known.len() > KNOWN {
            let first = self.known.iter().min_by_key(|(_, entry)| entry.until);
            let Some(key) = first.map(|(key, _)| *key) else {
                break;
            };
            self.known.remove(&key);
        }
    }

    fn is_known(&self, key: (u64, u64), now: Duration) -> bool {
        let entry = self.known.get(&key);
        entry.is_some_and(|entry| (entry.from..entry.until).contains(&now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn prefix(hash: u64, tokens: u64, keep: Option<Keep>) -> Prefix {
        Prefix { hash, tokens, keep }
    }

    /// Asks at this second, and begins to answer a second later.
    fn ask(cache: &mut PromptCache, scope: u64, prefixes: &[Prefix], total: u64, at: u32) -> Input {
        let now = SECOND * at;
        let charge = cache.charge(scope, prefixes, total, 100, now);
        cache.write(scope, &charge, now, now + SECOND);
        charge.input
    }

    const FIVE: Option<Keep> = Some(Keep::FiveMinutes);

    #[test]
    fn what_was_written_is_read_once_its_reply_has_begun_and_until_it_is_forgotten() {
        let mut cache = PromptCache::default();
        let prompt = [prefix(1, 500, FIVE), prefix(2, 520, None)];
        let written = Input {
            fresh: 20,
            written_5m: 500,
            ..Input::default()
        };
        let read = Input {
            fresh: 20,
            read: 500,
            ..Input::default()
        };
        assert_eq!(ask(&mut cache, 1, &prompt, 520, 0), written);
        assert_eq!(
            ask(&mut cache, 1, &prompt, 520, 0),
            written,
            "not begun yet"
        );
        assert_eq!(ask(&mut cache, 1, &prompt, 520, 200), read);
        assert_eq!(
            ask(&mut cache, 2, &prompt, 520, 200),
            written,
            "another key"
        );
        assert_eq!(
            ask(&mut cache, 1, &prompt, 520, 499),
            read,
            "each use keeps it"
        );
        assert_eq!(
            ask(&mut cache, 1, &prompt, 520, 799),
            written,
            "five minutes"
        );
    }

    #[test]
    fn a_longer_prompt_reads_what_it_shares_and_writes_the_rest() {
        let mut cache = PromptCache::default();
        let first = [prefix(1, 500, FIVE)];
        ask(&mut cache, 1, &first, 500, 0);
        let longer = [
            prefix(1, 500, None),
            prefix(2, 600, Some(Keep::Hour)),
            prefix(3, 650, FIVE),
            prefix(4, 655, None),
        ];
        assert_eq!(
            ask(&mut cache, 1, &longer, 655, 2),
            Input {
                fresh: 5,
                written_1h: 100,
                written_5m: 50,
                read: 500
            }
        );
    }

    #[test]
    fn short_prefixes_are_not_cached_and_nobody_says_so() {
        let mut cache = PromptCache::default();
        for at in [0, 10] {
            let input = ask(&mut cache, 1, &[prefix(1, 99, FIVE)], 99, at);
            assert_eq!(input, Input::fresh(99));
        }
    }

    #[test]
    fn twenty_blocks_are_looked_back_and_no_more() {
        for (between, read) in [(20, 500), (21, 0)] {
            let mut cache = PromptCache::default();
            ask(&mut cache, 1, &[prefix(0, 500, FIVE)], 500, 0);
            let mut prompt: Vec<_> = (0..=between).map(|n| prefix(n, 500 + n, None)).collect();
            prompt.last_mut().unwrap().keep = FIVE;
            assert_eq!(ask(&mut cache, 1, &prompt, 500 + between, 2).read, read);
        }
    }

    #[test]
    fn the_number_of_prefixes_is_bounded() {
        let mut cache = PromptCache::default();
        for hash in 0..KNOWN as u64 + 50 {
            ask(&mut cache, 1, &[prefix(hash, 500, FIVE)], 500, 0);
        }
        assert_eq!(cache.known.len(), KNOWN);
    }
}
