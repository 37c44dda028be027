//! Chance from a seed: the same seed and the same request give the same rolls.

/// `SplitMix64`: small, fast, and good enough for ids and the sizes of deltas.
#[derive(Debug, Clone)]
pub(crate) struct Dice {
    state: u64,
}

impl Dice {
    /// Dice for one request (or, with number 0, for the simulator itself).
    pub(crate) fn new(seed: u64, number: u64) -> Self {
        let mut dice = Self { state: seed };
        // Two rounds part the sequences of neighbouring request numbers.
        dice.state = dice.roll() ^ number.wrapping_mul(0xD134_2543_DE82_EF95);
        dice.state = dice.roll();
        dice
    }

    /// The next 64 bits.
    pub(crate) fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 1 to `sides`; 1 when there are none.
    pub(crate) fn throw(&mut self, sides: u64) -> u64 {
        self.roll().checked_rem(sides).map_or(1, |rest| rest + 1)
    }
}
