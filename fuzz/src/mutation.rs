//! Making inputs up: from seeds, at random, and again the same from the same number.

/// A source of random numbers (splitmix64). Our own, so that a seed printed today makes the same inputs after any update.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 where that is 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let number = self.next().checked_rem(limit as u64).unwrap_or(0);
        usize::try_from(number).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    /// A piece of something so long: where it starts and ends.
    fn range(&mut self, length: usize, longest: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        let end = start + self.below((length - start).min(longest) + 1);
        start..end
    }
}

/// Numbers at which something ends: lengths, counts and offsets of binary formats.
const EDGES: [u64; 10] = [
    0,
    1,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
];

/// Changes an input in one to six places; `other` is another input to take pieces from.
pub(crate) fn mutate(input: &mut Vec<u8>, other: &[u8], words: &[&str], longest: usize, random: &mut Random) {
    for _ in 0..=random.below(6) {
        change(input, other, words, random);
    }
    input.truncate(longest);
}

fn change(input: &mut Vec<u8>, other: &[u8], words: &[&str], random: &mut Random) {
    let at = random.below(input.len());
    match random.below(11) {
        0 => {
            let bit = random.below(8);
            input
                .iter_mut()
                .skip(at)
                .take(1)
                .for_each(|byte| *byte ^= 1 << bit);
        }
        1 => {
            let byte = random.byte();
            input.iter_mut().skip(at).take(1).for_each(|old| *old = byte);
        }
        2 => {
            let bytes: Vec<u8> = (0..=random.below(8)).map(|_| random.byte()).collect();
            input.splice(at..at, bytes);
        }
        3 | 4 => {
            let word = word(words, random);
            input.splice(at..at, word.iter().copied());
        }
        5 => {
            let word = word(words, random);
            let end = input.len().min(at + word.len());
            input.splice(at..end, word.iter().copied());
        }
        6 => drop(input.drain(random.range(input.len(), 64))),
        7 => {
            let piece = input[random.range(input.len(), 64)].to_vec();
            let copies = 1 + random.below(4);
            let many: Vec<u8> = piece.iter().copied().cycle().take(piece.len() * copies).collect();
            input.splice(at..at, many);
        }
        8 => {
            let piece = other[random.range(other.len(), 200)].to_vec();
            input.splice(at..at, piece);
        }
        9 => {
            let edge = EDGES[random.below(EDGES.len())].to_le_bytes();
            let width = 1 << random.below(4);
            let end = input.len().min(at + width);
            input.splice(at..end, edge.into_iter().take(width));
        }
        // The same change everywhere: names that stand in two places go on agreeing.
        _ => {
            let piece = input[random.range(input.len(), 12)].to_vec();
            let mut new = piece.clone();
            let place = random.below(new.len());
            let byte = match word(words, random).first() {
                Some(&byte) if random.below(2) == 0 => byte,
                _ => random.byte(),
            };
            new.iter_mut().skip(place).take(1).for_each(|old| *old = byte);
            replace_all(input, &piece, &new);
        }
    }
}

fn word<'w>(words: &[&'w str], random: &mut Random) -> &'w [u8] {
    words
        .get(random.below(words.len()))
        .map_or(b"", |word| word.as_bytes())
}

/// Replaces a piece by one of the same length wherever it stands.
fn replace_all(input: &mut [u8], old: &[u8], new: &[u8]) {
    let mut at = 0;
    while !old.is_empty() && at + old.len() <= input.len() {
        let window = &mut input[at..at + old.len()];
        if window == old {
            window.copy_from_slice(new);
            at += old.len();
        } else {
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_makes_the_same_inputs_and_another_makes_others() {
        let make = |seed| {
            let mut random = Random::new(seed);
            let mut input = b"module example.test/m\n".to_vec();
            (0..500).for_each(|_| mutate(&mut input, b"go 1.24\n", &["(", ")"], 100, &mut random));
            input
        };
        assert_eq!(make(1), make(1));
        assert_ne!(make(1), make(2));
        assert!(make(1).len() <= 100);
    }

    #[test]
    fn nothing_can_be_changed_too() {
        let mut random = Random::new(3);
        for _ in 0..1000 {
            mutate(&mut Vec::new(), &[], &[], 10, &mut random);
        }
    }

    #[test]
    fn a_change_everywhere_keeps_the_length() {
        let mut input = b"a.go..a.go.a.g".to_vec();
        replace_all(&mut input, b"a.go", b"b/go");
        assert_eq!(input, b"b/go..b/go.a.g");
    }
}
