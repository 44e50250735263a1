//! The door to chance: machine ids, names of temporary files, access tokens. Chance never takes part in a
//! decision about versions. The simulated side gives the same tokens for the same seed; it is no secret.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// Random tokens.
pub trait Chance: Send + Sync {
    /// So many random bytes as lower-case hexadecimal, two digits a byte. Fit for access tokens.
    ///
    /// # Errors
    /// When the system has no random source. No weaker token is made then.
    fn token(&self, bytes: usize) -> io::Result<String>;
}

/// The system's random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealChance;

impl Chance for RealChance {
    fn token(&self, bytes: usize) -> io::Result<String> {
        let mut random = vec![0; bytes];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        Ok(hex(&random))
    }
}

/// The same tokens for the same seed, in the order they are asked for.
#[derive(Debug)]
pub struct SimulatedChance(AtomicU64);

impl SimulatedChance {
    /// Start from this seed.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next number: SplitMix64, which needs no more state than a counter.
    pub fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::SeqCst).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, 0 when `bound` is 0.
    pub fn below(&self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }
}

impl Chance for SimulatedChance {
    fn token(&self, bytes: usize) -> io::Result<String> {
        let mut random = Vec::with_capacity(bytes + 8);
        while random.len() < bytes {
            random.extend(self.next().to_le_bytes());
        }
        Ok(hex(&random[..bytes]))
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|d| char::from(DIGITS[usize::from(d)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_the_length_asked_for() {
        for bytes in [0, 1, 7, 8, 16, 33] {
            for token in [RealChance.token(bytes).unwrap(), SimulatedChance::new(1).token(bytes).unwrap()] {
                assert_eq!(token.len(), 2 * bytes);
                assert!(token.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
            }
        }
    }

    #[test]
    fn real_tokens_differ_and_simulated_ones_repeat() {
        assert_ne!(RealChance.token(16).unwrap(), RealChance.token(16).unwrap());
        let (a, b) = (SimulatedChance::new(7), SimulatedChance::new(7));
        let first = a.token(16).unwrap();
        assert_eq!(first, b.token(16).unwrap());
        assert_ne!(first, a.token(16).unwrap());
        assert_ne!(SimulatedChance::new(8).token(16).unwrap(), first);
    }
}
