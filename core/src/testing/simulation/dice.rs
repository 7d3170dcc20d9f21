//! Reproducible random numbers.

use crate::money::Decimal;

/// SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// A number below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    /// True once in `chances` times on average.
    pub fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    /// A random index of a non-empty list.
    pub(super) fn below_len(&mut self, len: usize) -> Option<usize> {
        let bound = u64::try_from(len).expect("few");
        (bound > 0).then(|| usize::try_from(self.below(bound)).expect("few"))
    }

    pub(super) fn of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let bound = u64::try_from(all.len()).expect("few");
        (bound > 0).then(|| all[usize::try_from(self.below(bound)).expect("few")])
    }

    /// Usually one of the last elements.
    pub(super) fn late<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let from = if self.one_in(10) { 0 } else { all.len().saturating_sub(30) };
        self.of(&all[from..])
    }

    pub(super) fn amount(&mut self) -> Decimal {
        let most = if self.one_in(10) { 50_000 } else { 4_000 };
        Decimal::new(i64::try_from(1 + self.below(most)).expect("small"), 2)
    }
}
